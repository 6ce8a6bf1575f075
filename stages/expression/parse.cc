#include "stages/expression/parse.h"

#include <pg_query.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "transport/base/text.h"

namespace stream::expression {
namespace {

using Json = nlohmann::json;
using Kind = Ast::Kind;

constexpr std::string_view kPrefix = "SELECT ";

[[noreturn]] void fail(std::size_t offset, std::string message, std::string hint = {}) {
  throw Failure{offset, std::move(message), std::move(hint)};
}

std::string text_of(const Json& node, const char* key) {
  const auto found = node.find(key);
  return found != node.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The last part of a possibly qualified name: [{"String":{"sval":"x"}}…].
std::string last_name(const Json& list) {
  if (!list.is_array() || list.empty()) return {};
  const auto string = list.back().find("String");
  return string == list.back().end() ? std::string() : text_of(*string, "sval");
}

// Turns the parser's JSON into an Ast.
class Converter {
 public:
  Converter(std::string_view text, const std::vector<Token>& tokens) : text_(text), tokens_(tokens) {}

  Ast convert(const Json& wrapped, std::size_t outer) {
    if (++depth_ > kDepthMax) fail(outer, "expression is nested too deeply", "the limit is 1000 levels");
    if (!wrapped.is_object() || wrapped.empty()) fail(outer, "this form is not supported");
    const std::string kind = wrapped.begin().key();
    const Json& node = wrapped.begin().value();
    Ast ast = dispatch(kind, node, offset_of(node, outer));
    --depth_;
    return ast;
  }

 private:
  std::size_t offset_of(const Json& node, std::size_t outer) const {
    const auto found = node.find("location");
    if (found == node.end() || !found->is_number_integer()) return outer;
    const auto location = found->get<std::int64_t>() - static_cast<std::int64_t>(kPrefix.size());
    return location < 0 ? outer : std::min(static_cast<std::size_t>(location), text_.size());
  }

  Ast dispatch(const std::string& kind, const Json& node, std::size_t at) {
    using Method = Ast (Converter::*)(const Json&, std::size_t);
    struct Entry {
      std::string_view kind;
      Method method;
    };
    static constexpr std::array kMethods = {
        Entry{"ColumnRef", &Converter::column},
        Entry{"A_Const", &Converter::constant},
        Entry{"A_Expr", &Converter::expression},
        Entry{"BoolExpr", &Converter::boolean},
        Entry{"FuncCall", &Converter::call},
        Entry{"TypeCast", &Converter::cast},
        Entry{"CaseExpr", &Converter::case_of},
        Entry{"CoalesceExpr", &Converter::coalesce},
        Entry{"MinMaxExpr", &Converter::min_max},
        Entry{"NullTest", &Converter::null_test},
        Entry{"BooleanTest", &Converter::boolean_test},
        Entry{"SQLValueFunction", &Converter::special},
        Entry{"CollateClause", &Converter::collate},
    };
    for (const Entry& entry : kMethods) {
      if (entry.kind == kind) return (this->*entry.method)(node, at);
    }
    return unsupported(kind, at);
  }

  static Ast unsupported(const std::string& kind, std::size_t at) {
    if (kind == "SubLink") fail(at, "subqueries are not supported", "join the streams first");
    if (kind == "ParamRef") fail(at, "parameters like $1 are not supported");
    if (kind == "A_ArrayExpr") fail(at, "arrays are not supported", "a list can be written as IN (…)");
    if (kind == "RowExpr") fail(at, "rows are not supported");
    if (kind == "A_Indirection") fail(at, "subscripts are not supported", "use -> and ->> on JSON");
    if (kind == "SetToDefault") fail(at, "DEFAULT is not supported here");
    fail(at, "this form is not supported (" + kind + ")");
  }

  static Ast make(Kind kind, std::size_t at) {
    Ast ast;
    ast.kind = kind;
    ast.offset = at;
    return ast;
  }

  void add_all(Ast& ast, const Json& node, const char* key) {
    const auto list = node.find(key);
    if (list == node.end()) return;
    for (const Json& item : *list) ast.arguments.push_back(convert(item, ast.offset));
  }

  void add(Ast& ast, const Json& node, const char* key) {
    const auto found = node.find(key);
    if (found == node.end()) fail(ast.offset, "an operand is missing");
    ast.arguments.push_back(convert(*found, ast.offset));
  }

  Ast column(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kColumn, at);
    auto token = token_at(tokens_, at);
    for (const Json& field : node.at("fields")) {
      if (field.contains("A_Star")) {
        ast.kind = Kind::kStar;
        break;
      }
      Name name = token && *token < tokens_.size() ? name_of(text_, tokens_[*token]) : Name{};
      if (name.text.empty()) name = {last_name(Json::array({field})), false};
      ast.names.push_back(std::move(name));
      if (token) *token += 2;  // the name and the dot
    }
    if (ast.kind == Kind::kStar && ast.names.size() > 1) fail(at, "at most one name may stand before .*");
    return ast;
  }

  Ast constant(const Json& node, std::size_t at) {
    if (node.contains("isnull")) return make(Kind::kNull, at);
    Ast ast = make(Kind::kText, at);
    if (const auto value = node.find("ival"); value != node.end()) {
      ast.kind = Kind::kInteger;
      ast.text = std::to_string(value->value("ival", std::int64_t{0}));
      if (ast.text == "0") ast.text = integer_at(at);
    } else if (const auto number = node.find("fval"); number != node.end()) {
      ast.kind = Kind::kNumber;
      ast.text = text_of(*number, "fval");
      if (ast.text.find_first_not_of("-0123456789") == std::string::npos) ast.kind = Kind::kInteger;
    } else if (const auto flag = node.find("boolval"); flag != node.end()) {
      ast.kind = Kind::kBoolean;
      ast.text = flag->value("boolval", false) ? "true" : "false";
    } else if (const auto text = node.find("sval"); text != node.end()) {
      ast.text = text_of(*text, "sval");
    } else {
      fail(at, "bit strings are not supported", "a BLOB is written '\\x1f'::blob");
    }
    return ast;
  }

  // The parser's JSON drops negative integers: read them from the text, past signs and parentheses.
  std::string integer_at(std::size_t at) const {
    bool negative = false;
    for (auto token = token_at(tokens_, at); token && *token < tokens_.size(); ++*token) {
      const Token& word = tokens_[*token];
      const std::string_view text = text_.substr(word.begin, word.end - word.begin);
      if (word.kind == Token::Kind::kNumber) return (negative ? "-" : "") + std::string(text);
      if (text == "-") negative = !negative;
      if (text != "-" && text != "(") break;
    }
    return "0";
  }

  Ast expression(const Json& node, std::size_t at) {
    const std::string kind = text_of(node, "kind");
    const std::string name = last_name(node.value("name", Json::array()));
    if (kind == "AEXPR_OP") return plain_operator(node, name, at);
    if (kind == "AEXPR_IN") return list_test(Kind::kIn, node, name == "<>", at);
    if (kind == "AEXPR_DISTINCT" || kind == "AEXPR_NOT_DISTINCT") {
      return pair(Kind::kDistinct, node, kind == "AEXPR_NOT_DISTINCT", at);
    }
    if (kind == "AEXPR_NULLIF") return pair(Kind::kNullIf, node, false, at);
    if (kind == "AEXPR_LIKE" || kind == "AEXPR_ILIKE") return pattern(Kind::kLike, node, name, at);
    if (kind == "AEXPR_SIMILAR") return pattern(Kind::kSimilar, node, name, at);
    if (kind.starts_with("AEXPR_BETWEEN") || kind.starts_with("AEXPR_NOT_BETWEEN")) {
      Ast ast = list_test(Kind::kBetween, node, kind.starts_with("AEXPR_NOT"), at);
      ast.flag = kind.ends_with("_SYM");
      return ast;
    }
    if (kind == "AEXPR_OP_ANY" || kind == "AEXPR_OP_ALL") fail(at, "ANY and ALL are not supported", "use IN (…)");
    fail(at, "this form is not supported (" + kind + ")");
  }

  Ast plain_operator(const Json& node, const std::string& name, std::size_t at) {
    Ast ast = make(Kind::kOperator, at);
    ast.text = name;
    if (node.contains("lexpr")) add(ast, node, "lexpr");
    add(ast, node, "rexpr");
    return ast;
  }

  Ast pair(Kind kind, const Json& node, bool negated, std::size_t at) {
    Ast ast = make(kind, at);
    ast.negated = negated;
    add(ast, node, "lexpr");
    add(ast, node, "rexpr");
    return ast;
  }

  Ast list_test(Kind kind, const Json& node, bool negated, std::size_t at) {
    Ast ast = make(kind, at);
    ast.negated = negated;
    add(ast, node, "lexpr");
    const Json& right = node.at("rexpr");
    if (!right.contains("List")) fail(at, "a list in parentheses is needed here");
    add_all(ast, right.at("List"), "items");
    return ast;
  }

  // The pattern may stand inside a call that says how it is escaped.
  Ast pattern(Kind kind, const Json& node, const std::string& name, std::size_t at) {
    Ast ast = make(kind, at);
    ast.text = name;
    ast.negated = name.starts_with("!");
    add(ast, node, "lexpr");
    const Json& right = node.at("rexpr");
    if (right.contains("FuncCall")) {
      const std::string wrapper = last_name(right.at("FuncCall").value("funcname", Json::array()));
      if (wrapper == "like_escape" || wrapper == "similar_to_escape") {
        add_all(ast, right.at("FuncCall"), "args");
        return ast;
      }
    }
    add(ast, node, "rexpr");
    return ast;
  }

  Ast boolean(const Json& node, std::size_t at) {
    const std::string op = text_of(node, "boolop");
    Ast ast = make(op == "AND_EXPR" ? Kind::kAnd : op == "OR_EXPR" ? Kind::kOr : Kind::kNot, at);
    add_all(ast, node, "args");
    return ast;
  }

  Ast call(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kCall, at);
    ast.text = last_name(node.value("funcname", Json::array()));
    ast.star = node.value("agg_star", false);
    ast.distinct = node.value("agg_distinct", false);
    if (node.contains("over")) fail(at, "window functions are not supported", "use the option 'window' of aggregate");
    if (node.contains("agg_order")) fail(at, "ORDER BY inside a call is not supported");
    if (node.contains("agg_within_group")) fail(at, "WITHIN GROUP is not supported");
    if (node.contains("func_variadic")) fail(at, "VARIADIC is not supported");
    add_all(ast, node, "args");
    if (const auto filter = node.find("agg_filter"); filter != node.end()) {
      ast.filter.push_back(convert(*filter, at));
    }
    return ast;
  }

  Ast cast(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kCast, at);
    const Json& type = node.at("typeName");
    if (type.contains("arrayBounds")) fail(at, "arrays are not supported");
    ast.text = last_name(type.value("names", Json::array()));
    ast.index = offset_of(type, at);
    std::string modifiers;
    if (const auto list = type.find("typmods"); list != type.end()) {
      for (const Json& item : *list) modifiers += (modifiers.empty() ? "" : ",") + integer_of(item, at);
    }
    if (!modifiers.empty()) ast.text += "(" + modifiers + ")";
    add(ast, node, "arg");
    return ast;
  }

  std::string integer_of(const Json& item, std::size_t at) {
    const Ast value = convert(item, at);
    if (value.kind != Kind::kInteger) fail(at, "a type's modifier must be a number");
    return value.text;
  }

  Ast case_of(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kCase, at);
    ast.flag = node.contains("arg");
    if (ast.flag) add(ast, node, "arg");
    for (const Json& item : node.value("args", Json::array())) {
      const Json& when = item.at("CaseWhen");
      add(ast, when, "expr");
      add(ast, when, "result");
    }
    ast.has_else = node.contains("defresult");
    if (ast.has_else) add(ast, node, "defresult");
    return ast;
  }

  Ast coalesce(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kCoalesce, at);
    add_all(ast, node, "args");
    return ast;
  }

  Ast min_max(const Json& node, std::size_t at) {
    Ast ast = make(text_of(node, "op") == "IS_LEAST" ? Kind::kLeast : Kind::kGreatest, at);
    add_all(ast, node, "args");
    return ast;
  }

  Ast null_test(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kNullTest, at);
    ast.negated = text_of(node, "nulltesttype") == "IS_NOT_NULL";
    add(ast, node, "arg");
    return ast;
  }

  Ast boolean_test(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kBooleanTest, at);
    ast.text = text_of(node, "booltesttype").substr(3);
    ast.negated = ast.text.starts_with("NOT_");
    if (ast.negated) ast.text.erase(0, 4);
    add(ast, node, "arg");
    return ast;
  }

  Ast special(const Json& node, std::size_t at) {
    Ast ast = make(Kind::kSpecial, at);
    ast.text = text_of(node, "op");
    if (const auto token = token_at(tokens_, at)) ast.names.push_back(name_of(text_, tokens_[*token]));
    return ast;
  }

  Ast collate(const Json&, std::size_t at) { fail(at, "COLLATE is not supported", "text is ordered by its bytes"); }

  std::string_view text_;
  const std::vector<Token>& tokens_;
  std::size_t depth_ = 0;
};

// Byte offset of the parser's 1-based position, which counts characters.
std::size_t offset_of_character(std::string_view text, int position) {
  std::size_t character = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (++character == static_cast<std::size_t>(std::max(position, 1))) return i;
  }
  return text.size();
}

struct ParseResult {
  PgQueryParseResult raw;
  explicit ParseResult(const std::string& sql) : raw(pg_query_parse(sql.c_str())) {}
  ~ParseResult() { pg_query_free_parse_result(raw); }
  ParseResult(const ParseResult&) = delete;
  ParseResult& operator=(const ParseResult&) = delete;
};

bool reserved(const std::string& word) { return ParseResult(std::string(kPrefix) + word + ".x").raw.error != nullptr; }

// A column named like a reserved word is a frequent reason for a syntax error; the parser may notice
// only at the word behind it.
[[noreturn]] void fail_syntax(std::string_view text, const std::vector<Token>& tokens, std::size_t offset,
                              std::string message, const std::vector<std::string>& columns) {
  // They bind tighter than a comparison, so that what is noticed is the next one.
  const bool compares = offset < text.size() && std::string_view("<>=!").find(text[offset]) != std::string_view::npos;
  for (const Token& token : tokens) {
    if (!compares) break;
    if (text.substr(token.begin).starts_with("&&")) fail(offset, std::move(message), "write and instead of &&");
    if (text.substr(token.begin).starts_with("||")) fail(offset, std::move(message), "|| joins texts: write or");
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool last = i + 1 == tokens.size();
    const bool near = tokens[i].begin == offset || (last ? offset >= text.size() : tokens[i + 1].begin == offset);
    if (!near || tokens[i].kind != Token::Kind::kName) continue;
    const std::string word = name_of(text, tokens[i]).text;
    for (const std::string& column : columns) {
      if (lower(column) != lower(word)) continue;
      if (reserved(word))
        fail(tokens[i].begin, "'" + word + "' is a reserved word", "write \"" + column + "\" in double quotes");
      fail(offset, std::move(message));
    }
  }
  // An odd name like user-agent or 5xx is no word of the text: look for it whole.
  for (const std::string& column : columns) {
    const bool odd = column.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
                         std::string::npos ||
                     (!column.empty() && column[0] >= '0' && column[0] <= '9');
    if (odd && text.find(column) != std::string_view::npos)
      fail(offset, std::move(message), "write \"" + column + "\" in double quotes");
  }
  fail(offset, std::move(message));
}

void check_text(std::string_view text) {
  if (text.size() > kTextBytesParsed) fail(0, "expression is too long", "the limit is 64 KiB");
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos) fail(at, "a zero byte is not allowed");
  if (!valid_utf8(text)) fail(0, "the expression is not valid UTF-8");
  // The parser recurses: refuse what would need too much stack before it starts.
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(' && ++depth > kDepthMax) fail(i, "expression is nested too deeply", "the limit is 1000 levels");
    if (text[i] == ')' && depth > 0) --depth;
  }
}

const Json& select_of(const Json& tree, std::string_view text) {
  const Json& statements = tree.at("stmts");
  if (statements.empty()) fail(0, "the expression is empty");
  if (statements.size() > 1) {
    const std::size_t at = text.find(';');
    fail(at == std::string_view::npos ? 0 : at, "one expression is expected, not several statements");
  }
  const Json& statement = statements[0].at("stmt");
  const auto select = statement.find("SelectStmt");
  if (select == statement.end()) fail(0, "an expression is expected");
  for (const auto& [key, value] : select->items()) {
    if (key == "targetList" || (key == "limitOption" && value == "LIMIT_OPTION_DEFAULT")) continue;
    if (key == "op" && value == "SETOP_NONE") continue;
    fail(0, "an expression is expected, not a query", "FROM, WHERE, GROUP BY and the like are stages of their own");
  }
  if (!select->contains("targetList")) fail(0, "the expression is empty");
  return *select;
}

std::string alias_of(const Json& target, std::string_view text, const std::vector<Token>& tokens,
                     std::pair<std::size_t, std::size_t>& range) {
  const std::string folded = text_of(target, "name");
  if (folded.empty() || range.second <= range.first) return {};
  --range.second;
  const Name name = name_of(text, tokens[range.second]);
  if (range.second > range.first) {
    const Token& before = tokens[range.second - 1];
    if (lower(text.substr(before.begin, before.end - before.begin)) == "as") --range.second;
  }
  return name.text.empty() ? folded : name.text;
}

}  // namespace

bool Ast::same(const Ast& other) const {
  const auto equal = [](const Ast& a, const Ast& b) { return a.same(b); };
  return kind == other.kind && text == other.text && names == other.names && negated == other.negated &&
         flag == other.flag && has_else == other.has_else && star == other.star && distinct == other.distinct &&
         (kind != Kind::kSlot || index == other.index) && std::ranges::equal(arguments, other.arguments, equal) &&
         std::ranges::equal(filter, other.filter, equal);
}

std::vector<ParsedItem> parse_list(std::string_view text, const std::vector<std::string>& columns) {
  check_text(text);
  const std::vector<Token> tokens = lex(text);
  if (tokens.empty()) fail(0, "the expression is empty");
  const std::string sql = std::string(kPrefix) + std::string(text);
  const ParseResult result(sql);
  if (result.raw.error != nullptr) {
    const std::size_t at = offset_of_character(sql, result.raw.error->cursorpos);
    const std::size_t offset = at < kPrefix.size() ? 0 : at - kPrefix.size();
    fail_syntax(text, tokens, offset, result.raw.error->message, columns);
  }
  try {
    const Json tree = Json::parse(result.raw.parse_tree);
    const Json& targets = select_of(tree, text).at("targetList");
    auto ranges = split_items(text, tokens);
    if (ranges.size() != targets.size()) fail(0, "one expression is expected");
    std::vector<ParsedItem> items;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const Json& target = targets[i].at("ResTarget");
      if (target.contains("indirection")) fail(tokens[ranges[i].first].begin, "this form is not supported");
      ParsedItem item;
      item.alias = alias_of(target, text, tokens, ranges[i]);
      item.begin = tokens[ranges[i].first].begin;
      const std::size_t end = ranges[i].second > ranges[i].first ? tokens[ranges[i].second - 1].end : item.begin;
      item.text = std::string(text.substr(item.begin, end - item.begin));
      item.tree = Converter(text, tokens).convert(target.at("val"), item.begin);
      items.push_back(std::move(item));
    }
    return items;
  } catch (const Json::exception&) { fail(0, "this form is not supported"); }
}

Ast parse_expression(std::string_view text, const std::vector<std::string>& columns) {
  std::vector<ParsedItem> items = parse_list(text, columns);
  if (items.size() > 1) fail(items[1].begin, "one expression is expected, not a list");
  if (!items[0].alias.empty()) fail(items[0].begin + items[0].text.size(), "a name is not expected here");
  return std::move(items[0].tree);
}

bool valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || i + length > text.size()) return false;
    std::uint32_t point = c & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      point = (point << 6) | (next & 0x3F);
    }
    if ((length == 3 && (point < 0x800 || (point >= 0xD800 && point < 0xE000))) ||
        (length == 4 && (point < 0x10000 || point > 0x10FFFF))) {
      return false;
    }
    i += length;
  }
  return true;
}

}  // namespace stream::expression
