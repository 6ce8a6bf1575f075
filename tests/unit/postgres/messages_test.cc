#include <boost/test/unit_test.hpp>
#include <deque>

#include "stages/postgres/connection.h"
#include "stages/postgres/values.h"
#include "stages/read-postgres/pgoutput.h"
#include "stages/read-postgres/row_reader.h"
#include "stages/read-postgres/slot.h"
#include "stages/read-postgres/table_facts.h"
#include "stages/write-postgres/last_rows.h"
#include "stages/write-postgres/prepared_name.h"

using namespace stream;
using namespace std::string_literals;

namespace {

std::string number(std::uint64_t value, int size) {
  std::string out;
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

std::string value(const std::string& text) { return "t" + number(text.size(), 4) + text; }

PgMessage parsed(const std::string& bytes) {
  static std::deque<std::string> kept;  // the message is views of it
  auto message = parse_pgoutput(kept.emplace_back(bytes));
  BOOST_REQUIRE_MESSAGE(message.ok(), message.status().what());
  return *std::move(message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pgoutput)

BOOST_AUTO_TEST_CASE(positions_of_the_log_are_printed_and_read) {
  BOOST_TEST(print_lsn(0x16B374D848) == "16/B374D848");
  BOOST_TEST(*parse_lsn("16/B374D848") == 0x16B374D848u);
  BOOST_TEST(*parse_lsn("0/0") == 0u);
  for (const char* wrong : {"", "16", "16/", "/1", "16/XY", "16/1 "}) BOOST_TEST(!parse_lsn(wrong).ok());
}

BOOST_AUTO_TEST_CASE(transactions_begin_and_end) {
  BOOST_TEST(parsed("B" + number(7, 8) + number(9, 8) + number(123, 4)).xid == 123u);
  const PgMessage commit = parsed("C" + number(0, 1) + number(70, 8) + number(77, 8) + number(9, 8));
  BOOST_TEST((commit.kind == PgMessage::Kind::kCommit && commit.end == 77));
}

BOOST_AUTO_TEST_CASE(relations_name_their_columns) {
  const PgMessage relation =
      parsed("R" + number(5, 4) + "shop\0city\0d"s + number(2, 2) + number(1, 1) + "id\0"s + number(20, 4) +
             number(0, 4) + number(0, 1) + "name\0"s + number(25, 4) + number(0, 4));
  BOOST_TEST((relation.relation == 5 && relation.schema == "shop" && relation.name == "city"));
  BOOST_TEST(relation.columns == (std::vector<std::string>{"id", "name"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(changes_carry_tuples) {
  const std::string after = "N" + number(3, 2) + value("1") + "n" + "u";
  const PgMessage insert = parsed("I" + number(5, 4) + after);
  BOOST_TEST(
      (insert.after.size() == 3 && insert.after[0].text == "1" && insert.after[1].null && insert.after[2].unchanged));
  const PgMessage update = parsed("U" + number(5, 4) + "K" + number(1, 2) + value("0") + after);
  BOOST_TEST((update.before && (*update.before)[0].text == "0" && update.after.size() == 3));
  BOOST_TEST(!parsed("U" + number(5, 4) + after).before);
  const PgMessage gone = parsed("D" + number(5, 4) + "O" + number(1, 2) + value("9"));
  BOOST_TEST((gone.kind == PgMessage::Kind::kDelete && (*gone.before)[0].text == "9"));
  BOOST_TEST(parsed("T" + number(2, 4) + number(0, 1) + number(5, 4) + number(6, 4)).truncated.size() == 2u);
  BOOST_TEST((parsed("Yanything").kind == PgMessage::Kind::kOther));
}

BOOST_AUTO_TEST_CASE(what_is_cut_off_is_refused_wherever_it_ends) {
  const std::string whole =
      "U" + number(5, 4) + "K" + number(1, 2) + value("0") + "N" + number(2, 2) + value("abc") + "n";
  BOOST_TEST(parse_pgoutput(whole).ok());
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto cut = parse_pgoutput(whole.substr(0, size));
    BOOST_TEST((!cut.ok() || cut->after.empty()), "cut at " << size);
  }
}

BOOST_AUTO_TEST_CASE(frames_carry_messages_and_signs_of_life) {
  const auto data = parse_frame("w" + number(1, 8) + number(50, 8) + number(3, 8) + "Bxyz");
  BOOST_REQUIRE(data.ok());
  BOOST_TEST((data->data && data->end == 50 && data->bytes == "Bxyz"));
  const auto life = parse_frame("k" + number(60, 8) + number(3, 8) + number(1, 1));
  BOOST_REQUIRE(life.ok());
  BOOST_TEST((!life->data && life->end == 60 && life->reply));
  BOOST_TEST(!parse_frame("x").ok());
  BOOST_TEST(!parse_frame("k" + number(60, 8)).ok());
  const std::string status = status_update(7, 5, 946'684'800'000'001);
  BOOST_TEST(status == "r" + number(7, 8) + number(5, 8) + number(5, 8) + number(1, 8) + number(0, 1));
}

BOOST_AUTO_TEST_CASE(lines_of_copy_are_unescaped) {
  std::string store;
  const PgTuple values = split_copy_line("1\t\\N\t\ta\\tb\\\\N\\n\n", store);
  BOOST_REQUIRE(values.size() == 4u);
  BOOST_TEST((values[0].text == "1" && values[1].null && values[2].text.empty() && !values[2].null));
  BOOST_TEST(values[3].text == "a\tb\\N\n");
}

BOOST_AUTO_TEST_CASE(rows_are_read_by_type_and_say_what_is_wrong) {
  const auto schema =
      std::make_shared<const Schema>(*parse_schema("n bigint, flag boolean, at timestamp, data blob, d decimal(5,2)"));
  RowReader reader(schema);
  const ReadRow good = reader.read(
      {{.text = "-7"}, {.text = "t"}, {.text = "2024-01-01 00:00:00.5+00"}, {.text = "\\x00ff"}, {.text = "1.5"}});
  BOOST_TEST(good.wrong == "");
  BOOST_TEST(good.row.columns[0].value<std::int64_t>(0) == -7);
  BOOST_TEST(good.row.columns[2].value<std::int64_t>(0) == 1704067200500000);
  BOOST_TEST(good.row.columns[3].bytes(0) == "\0\xff"s);
  const ReadRow wrong =
      reader.read({{.text = "1"}, {.null = true}, {.text = "infinity"}, {.unchanged = true}, {.text = "x"}});
  BOOST_TEST(wrong.wrong.find("column 'at'") != std::string::npos);
  BOOST_TEST(wrong.row.columns[0].value<std::int64_t>(0) == 1);
  BOOST_TEST(!wrong.row.columns[2].valid(0));
  BOOST_TEST(wrong.unchanged == std::vector<std::size_t>{3}, boost::test_tools::per_element());
  const ReadRow cut = reader.read({{.text = "1"}});
  BOOST_TEST(cut.wrong == "it has fewer columns than the table");
  BOOST_TEST(cut.row.columns[0].value<std::int64_t>(0) == 1);
  BOOST_TEST(!cut.row.columns[4].valid(0));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(postgres)

BOOST_AUTO_TEST_CASE(types_go_both_ways) {
  for (const char* text :
       {"boolean", "bigint", "double", "decimal(10,2)", "varchar", "timestamp", "date", "interval", "blob", "json"}) {
    const Type type = *parse_type(text);
    BOOST_TEST((type_of_pg(pg_type(type)) == type), text);
  }
  BOOST_TEST((type_of_pg("numeric") == kVarchar));
  BOOST_TEST((type_of_pg("numeric(50,2)") == kVarchar));
  BOOST_TEST((type_of_pg("numeric(4)") == decimal_type(4, 0)));
  BOOST_TEST((type_of_pg("integer[]") == kVarchar));
  BOOST_TEST((type_of_pg("timestamp(3) without time zone") == kTimestamp));
  BOOST_TEST((type_of_pg("timestamp with time zone[]") == kVarchar));
}

BOOST_AUTO_TEST_CASE(names_and_texts_are_quoted) {
  BOOST_TEST(pg_table("shop.or\"der") == "\"shop\".\"or\"\"der\"");
  BOOST_TEST(pg_table("t") == "\"t\"");
  BOOST_TEST(pg_literal("it's") == "'it''s'");
}

BOOST_AUTO_TEST_CASE(values_for_copy_are_escaped) {
  BatchBuilder rows(std::make_shared<const Schema>(*parse_schema("s varchar, b blob")));
  rows.column(0).append_bytes("a\tb\\c\nd");
  rows.column(1).append_bytes("\0\x7f"s);
  rows.end_row();
  rows.column(0).append_null();
  rows.column(1).append_bytes("");
  rows.end_row();
  const Batch batch = rows.finish();
  std::string out;
  append_copy_value(batch.columns[0], 0, out);
  BOOST_TEST(out == "a\\tb\\\\c\\nd");
  out.clear();
  append_copy_value(batch.columns[1], 0, out);
  BOOST_TEST(out == "\\\\x007f");
  out.clear();
  append_copy_value(batch.columns[0], 1, out);
  append_copy_value(batch.columns[1], 1, out);
  BOOST_TEST(out == "\\N\\\\x");
}

BOOST_AUTO_TEST_CASE(prepared_transactions_are_known_by_their_names) {
  const PreparedName name{"0123abcd", "my-sink", 2, 7, 99};
  BOOST_TEST(to_string(name) == "stream:0123abcd:my-sink:2:7:99");
  BOOST_TEST((parse_prepared_name(to_string(name)) == name));
  for (const char* other : {"", "stream:a:b:1:2", "stream:a:b:x:2:3", "other:a:b:1:2:3"}) {
    BOOST_TEST(!parse_prepared_name(other), other);
  }
}

BOOST_AUTO_TEST_CASE(slots_are_named_after_job_and_stage) {
  BOOST_TEST(slot_name("shop", "cdc") == "stream_shop_cdc");
  const std::string cut = slot_name(std::string(60, 'a'), std::string(30, 'b'));
  BOOST_TEST(cut.size() == 63u);
  BOOST_TEST(cut != slot_name(std::string(60, 'a'), std::string(29, 'b')));
}

BOOST_AUTO_TEST_CASE(facts_of_tables_survive_as_text) {
  const std::vector<TableFacts> tables = {
      {"shop.city", "city", {{"id", kBigint}, {"odd \"name\"", kVarchar}, {"price", decimal_type(9, 3)}}, {0}, true},
      {"t", "t", {{"a", kDate}, {"b", kJson}}, {1, 0}, false}};
  const auto again = table_facts_from_json(to_json(tables));
  BOOST_REQUIRE(again.ok());
  BOOST_TEST((*again == tables));
  BOOST_TEST(!table_facts_from_json("[{}]").ok());
}

BOOST_AUTO_TEST_CASE(of_each_key_the_last_row_counts) {
  BatchBuilder rows(std::make_shared<const Schema>(*parse_schema("k bigint, v bigint")));
  const auto add = [&](std::optional<std::int64_t> key, RowKind kind) {
    if (key) {
      rows.column(0).append(*key);
    } else {
      rows.column(0).append_null();
    }
    rows.column(1).append(std::int64_t{0});
    rows.end_row(kind);
  };
  add(1, RowKind::kInsert);
  add(1, RowKind::kUpdateBefore);
  add(1, RowKind::kUpdateAfter);
  add(2, RowKind::kDelete);
  std::vector<Batch> batches = {rows.finish()};
  add(std::nullopt, RowKind::kInsert);
  add(2, RowKind::kInsert);
  add(1, RowKind::kDelete);
  add(std::nullopt, RowKind::kDelete);
  batches.push_back(rows.finish());
  const std::size_t key[] = {0};
  std::string found;
  for (const LastRow& row : last_rows(batches, key)) {
    found += std::to_string(row.batch) + ":" + std::to_string(row.row) + (row.gone ? "- " : "+ ");
  }
  BOOST_TEST(found == "1:2- 1:1+ 1:3- ");
}

BOOST_AUTO_TEST_SUITE_END()
