#include <boost/test/unit_test.hpp>

#include "tests/unit/expression/support.h"

using namespace stream;
using namespace stream::test;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(like_matches_whole_texts) {
  for (const auto& [text, pattern, matches] :
       std::vector<std::tuple<const char*, const char*, bool>>{{"abc", "abc", true},
                                                               {"abc", "a%", true},
                                                               {"abc", "%c", true},
                                                               {"abc", "%b%", true},
                                                               {"abc", "_b_", true},
                                                               {"abc", "ab", false},
                                                               {"", "%", true},
                                                               {"", "_", false},
                                                               {"a%c", "a\\%c", true},
                                                               {"abc", "a\\%c", false},
                                                               {"äbc", "_bc", true},
                                                               {"abcabc", "%abc", true},
                                                               {"mississippi", "m%iss%pi", true},
                                                               {"mississippi", "m%iss%x%pi", false},
                                                               {"abc", "%%", true},
                                                               {"abc", "a_%", true},
                                                               {"a", "a_%", false}}) {
    const std::string expression = std::string("'") + text + "' like '" + pattern + "'";
    BOOST_TEST_CONTEXT(expression) BOOST_TEST(value(expression) == (matches ? "true" : "false"));
    const Batch batch = batch_of("s varchar, p varchar", {{text, pattern}});
    BOOST_TEST_CONTEXT(expression) BOOST_TEST(values("s like p", batch)[0] == (matches ? "true" : "false"));
  }
  BOOST_TEST(value("'ABC' ilike 'a%'") == "true");
  BOOST_TEST(value("'abc' not like 'a%'") == "false");
  BOOST_TEST(value("'10%' like '10!%' escape '!'") == "true");
  BOOST_TEST(value("'abc' similar to '(a|x)b%'") == "true");
  BOOST_TEST(value("'abc' similar to 'b'") == "false");
}

BOOST_AUTO_TEST_CASE(regular_expressions_search) {
  BOOST_TEST(value("'GET /a HTTP' ~ '^GET /[a-z]+'") == "true");
  BOOST_TEST(value("'abc' ~* 'B'") == "true");
  BOOST_TEST(value("'abc' !~ 'B'") == "true");
  BOOST_TEST(value("regexp_replace('foobarbaz', 'b..', 'X')") == "fooXbaz");
  BOOST_TEST(value("regexp_replace('foobarbaz', 'b..', 'X', 'g')") == "fooXX");
  BOOST_TEST(value("regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g')") == "fooXarYXazY");
  BOOST_TEST(value("regexp_replace('abc', '', '-', 'g')") == "-a-b-c-");
  BOOST_TEST(value("regexp_count('ababab', 'ab')") == "3");
  BOOST_TEST(value("regexp_substr('number of your street', 'y\\w+')") == "your");
  BOOST_TEST(value("regexp_substr('a1b2', '([a-z])([0-9])', 1, 2, '', 2)") == "2");
  BOOST_TEST(value("regexp_substr('abc', 'x')") == "NULL");
  BOOST_TEST(value("regexp_substr('', 'a*')") == "");
  BOOST_TEST(value("regexp_like('Hello', 'hello', 'i')") == "true");
  BOOST_TEST(value("substring('foobar' from 'o(.)b')") == "o");
}

// Patterns that leave no choice go another way than all others: with a flag that changes nothing, they go the same.
BOOST_AUTO_TEST_CASE(plain_regular_expressions_find_what_others_find) {
  const std::vector<const char*> patterns = {
      "ab",      "(&|^)ab=([^&]*)", "^ab(b*)",  "a([b-z]+)(&|^)", "(b|^)a",  "([ab&]|^)ab",   "ab*",     "a[^b]+b$",
      "ab=.*$",  "a(b+)(=*)(&+)",   "\\.(a*)b", "(a*)",           "ab*[b=]", "(a|^)aab",      "(a|^)aa", "b[a=]+b*",
      "=[^a]*a", "(&|^)ab=",        "a()b",     "ab+c*$",         "[a]b",    "b=[[:alpha:]]", "a.b",     "äb(=+)",
      "^(ab)"};
  std::uint64_t random = 7;
  const auto below = [&](std::uint64_t n) { return ((random = random * 6364136223846793005ULL + 1) >> 33) % n; };
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (std::uint64_t i = below(12); i > 0; --i) {
      const char* const parts[] = {"a", "b", "ab", "=", "&", "ab=", "ä", "c", "."};
      text += parts[below(9)];
    }
    for (const char* pattern : patterns) {
      for (const char* group : {"0", "1", "2"}) {
        const std::string call = "regexp_substr('" + text + "', e'" + pattern + "', 1, ";
        BOOST_TEST_CONTEXT(call << group)
        BOOST_TEST(value(call + "1, '', " + group + ")") == value(call + "1, 'c', " + group + ")"));
      }
      BOOST_TEST_CONTEXT(text << " " << pattern)
      BOOST_TEST(value("regexp_count('" + text + "', e'" + pattern + "')") ==
                 value("regexp_count('" + text + "', e'" + pattern + "', 1, 'c')"));
    }
  }
  BOOST_TEST(value("regexp_substr('aaa', '(a|^)aa')") == "aaa");
  BOOST_TEST(value("regexp_substr('item?a=1&id=7&b', '(&|^)id=([^&]*)', 1, 1, '', 2)") == "7");
  BOOST_TEST(value("regexp_substr('id=ä&id=7', '(&|^)id=([^&]*)', 1, 1, '', 2)") == "ä");
  BOOST_TEST(value("regexp_substr('aid=ä&id=', '(&|^)id=([^&]*)', 1, 1, '', 2)") == "");
  BOOST_TEST(value("regexp_substr('xid=7', '(&|^)id=([^&]*)', 1, 1, '', 2)") == "NULL");
}

BOOST_AUTO_TEST_CASE(parts_are_found_wherever_they_stand) {
  const Batch batch =
      batch_of("s varchar", {{""},
                             {"/"},
                             {"a/b"},
                             {"0123456789abcde/x"},
                             {"0123456789abcdef/x/yy/"},
                             {"//ä/0123456789abcdef0123456789/z"},
                             {"\\N"},
                             {"0123456789012345678901234567890123456789/12345678901234567890123/yes/no"}});
  BOOST_TEST(values("split_part(s, '/', 1)", batch) ==
                 std::vector<std::string>({"", "", "a", "0123456789abcde", "0123456789abcdef", "", "NULL",
                                           "0123456789012345678901234567890123456789"}),
             boost::test_tools::per_element());
  BOOST_TEST(values("split_part(s, '/', 2)", batch) ==
                 std::vector<std::string>({"", "", "b", "x", "x", "", "NULL", "12345678901234567890123"}),
             boost::test_tools::per_element());
  BOOST_TEST(values("split_part(s, '/', 4)", batch) ==
                 std::vector<std::string>({"", "", "", "", "", "0123456789abcdef0123456789", "NULL", "no"}),
             boost::test_tools::per_element());
  BOOST_TEST(
      values("split_part(s, '/', -1)", batch) == std::vector<std::string>({"", "", "b", "x", "", "z", "NULL", "no"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_length_of_a_replacement_needs_no_text) {
  const Batch batch =
      batch_of("s varchar, t varchar", {{"", "a"}, {"abcabc", "a"}, {"äcä", "c"}, {"\\N", "a"}, {"aaa", "a"}});
  for (const char* call : {"replace(s, 'a', '')", "replace(s, 'a', 'äö')", "replace(s, 'ä', 'x')",
                           "replace(s, 'aa', 'b')", "replace(s, '', 'b')", "replace(s, t, '')"}) {
    BOOST_TEST_CONTEXT(call)
    BOOST_TEST(
        values(std::string("length(") + call + ")", batch) == values(std::string("length(") + call + " || '')", batch),
        boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(columns_of_plain_letters_change_case_at_once) {
  const Batch plain = batch_of("s varchar", {{"Apple"}, {""}, {"\\N"}, {"@AZ[`az{"}});
  BOOST_TEST(values("lower(s)", plain) == std::vector<std::string>({"apple", "", "NULL", "@az[`az{"}),
             boost::test_tools::per_element());
  BOOST_TEST(values("upper(s)", plain) == std::vector<std::string>({"APPLE", "", "NULL", "@AZ[`AZ{"}),
             boost::test_tools::per_element());
  const Batch mixed = batch_of("s varchar", {{"Apple"}, {"ÄB"}});
  BOOST_TEST(values("lower(s)", mixed) == std::vector<std::string>({"apple", "äb"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(text_functions_count_characters) {
  BOOST_TEST(value("length('äöü')") == "3");
  BOOST_TEST(value("octet_length('äöü')") == "6");
  BOOST_TEST(value("upper('straße ä')") == "STRAßE Ä");
  BOOST_TEST(value("initcap('hello big-world')") == "Hello Big-World");
  BOOST_TEST(value("substring('hello' from 2 for 3)") == "ell");
  BOOST_TEST(value("substr('hello', -1, 3)") == "h");
  BOOST_TEST(value("substr('hello', 2, -1)") == "ERROR negative substring length");
  BOOST_TEST(value("left('hello', -2)") == "hel");
  BOOST_TEST(value("right('äöü', 2)") == "öü");
  BOOST_TEST(value("right('hello', -2)") == "llo");
  BOOST_TEST(value("lpad('7', 3, '0')") == "007");
  BOOST_TEST(value("lpad('hello', 3)") == "hel");
  BOOST_TEST(value("rpad('a', 4, 'xy')") == "axyx");
  BOOST_TEST(value("trim('  a ')") == "a");
  BOOST_TEST(value("trim(both 'xy' from 'xyaxy')") == "a");
  BOOST_TEST(value("trim(leading 'x' from 'xax')") == "ax");
  BOOST_TEST(value("position('lo' in 'hello')") == "4");
  BOOST_TEST(value("strpos('äb', 'b')") == "2");
  BOOST_TEST(value("replace('a.b.c', '.', '')") == "abc");
  BOOST_TEST(value("split_part('a,b,c', ',', 2)") == "b");
  BOOST_TEST(value("split_part('a,b,c', ',', -1)") == "c");
  BOOST_TEST(value("split_part('a,b,c', ',', 9)") == "");
  BOOST_TEST(value("repeat('ab', 3)") == "ababab");
  BOOST_TEST(value("repeat('ab', 1000000000)") == "ERROR text too long");
  BOOST_TEST(value("reverse('äbc')") == "cbä");
  BOOST_TEST(value("translate('12345', '143', 'ax')") == "a2x5");
  BOOST_TEST(value("starts_with('abc', 'ab')") == "true");
  BOOST_TEST(value("overlay('Txxxxas' placing 'hom' from 2 for 4)") == "Thomas");
  BOOST_TEST(value("ascii('ä')") == "228");
  BOOST_TEST(value("chr(228)") == "ä");
  BOOST_TEST(value("concat('a', null, 1, true)") == "a1t");
  BOOST_TEST(value("concat_ws('-', 'a', null, 'b')") == "a-b");
  BOOST_TEST(value("concat_ws(null, 'a', 'b')") == "NULL");
  BOOST_TEST(value("'a' || 1 || null") == "NULL");
  BOOST_TEST(value("'a' || 1") == "a1");
}

BOOST_AUTO_TEST_CASE(bytes_are_encoded_and_hashed) {
  BOOST_TEST(value("md5('')") == "d41d8cd98f00b204e9800998ecf8427e");
  BOOST_TEST(value("md5(repeat('a', 119))") == "8a7bd0732ed6a28ce75f6dabc90e1613");
  BOOST_TEST(value("to_hex(-1)") == "ffffffffffffffff");
  BOOST_TEST(value("encode('\\x616263'::blob, 'base64')") == "YWJj");
  BOOST_TEST(value("decode('YWI=', 'base64')") == "\\x6162");
  BOOST_TEST(value("encode('ab'::blob, 'hex')") == "6162");
  BOOST_TEST(value("length('\\x0000'::blob)") == "2");
}

BOOST_AUTO_TEST_CASE(json_is_reached_with_arrows) {
  const Batch batch =
      batch_of("j json", {{R"({"a": {"b": [1, "x", null]}, "n": 5, "s": "t\"ü"})"}, {"[1,2,[3]]"}, {"\\N"}, {"5"}});
  const auto check = [&](const char* text, std::vector<std::string> expected) {
    BOOST_TEST_CONTEXT(text) BOOST_TEST(values(text, batch) == expected, boost::test_tools::per_element());
  };
  check("j -> 'a' -> 'b' ->> 1", {"x", "NULL", "NULL", "NULL"});
  check("j -> 'a' -> 'b' -> 1", {"\"x\"", "NULL", "NULL", "NULL"});
  check("j -> 'a' -> 'b' ->> 2", {"NULL", "NULL", "NULL", "NULL"});
  check("j -> 'a'", {R"({"b": [1, "x", null]})", "NULL", "NULL", "NULL"});
  check("j ->> 's'", {"t\"ü", "NULL", "NULL", "NULL"});
  check("j.s", {"t\"ü", "NULL", "NULL", "NULL"});
  check("j.n::bigint + 1", {"6", "NULL", "NULL", "NULL"});
  check("j -> -1", {"NULL", "[3]", "NULL", "NULL"});
  check("j #>> '{a,b,0}'", {"1", "NULL", "NULL", "NULL"});
  check("json_typeof(j)", {"object", "array", "NULL", "number"});
  check("json_array_length(j)", {"ERROR not a JSON array", "3", "NULL", "ERROR not a JSON array"});
}

BOOST_AUTO_TEST_CASE(casts_read_what_postgresql_reads) {
  BOOST_TEST(value("' 12 '::bigint") == "12");
  const Batch batch = batch_of("s varchar", {{"1.5"}, {"1e2"}, {"yes"}, {"9223372036854775808"}, {"\\N"}, {""}});
  const std::vector<std::string> integers = {"ERROR invalid text for BIGINT",
                                             "ERROR invalid text for BIGINT",
                                             "ERROR invalid text for BIGINT",
                                             "ERROR bigint out of range",
                                             "NULL",
                                             "ERROR invalid text for BIGINT"};
  BOOST_TEST(values("s::bigint", batch) == integers, boost::test_tools::per_element());
  const std::vector<std::string> decimals = {"1.50",
                                             "100.00",
                                             "ERROR invalid text for DECIMAL",
                                             "9223372036854775808.00",
                                             "NULL",
                                             "ERROR invalid text for DECIMAL"};
  BOOST_TEST(values("s::decimal(30,2)", batch) == decimals, boost::test_tools::per_element());
  BOOST_TEST(value("2.5::bigint") == "3");
  BOOST_TEST(value("2.5::double::bigint") == "2");
  BOOST_TEST(value("1e30::double::bigint") == "ERROR bigint out of range");
  BOOST_TEST(value("true::int") == "1");
  BOOST_TEST(value("0::boolean") == "false");
  BOOST_TEST(value("'abcdef'::varchar(3)") == "abc");
  BOOST_TEST(value("12.345::numeric(4,2)") == "12.35");
  BOOST_TEST(value("123.45::numeric(4,2)") == "ERROR decimal out of range");
  BOOST_TEST(value("cast(1 as varchar) || 'x'") == "1x");
}

BOOST_AUTO_TEST_SUITE_END()
