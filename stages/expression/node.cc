#include "stages/expression/node.h"

#include <algorithm>

#include "stages/expression/kernel.h"

namespace stream::expression {
namespace {

class ColumnNode final : public Node {
 public:
  ColumnNode(Type type, std::size_t index) : Node(type, {}), index_(index) {}
  Value evaluate(Evaluation& evaluation) const override { return {evaluation.columns[index_], false}; }
  std::optional<std::size_t> column() const override { return index_; }
  void collect_columns(std::vector<std::size_t>& out) const override { out.push_back(index_); }

 private:
  std::size_t index_;
};

class LiteralNode final : public Node {
 public:
  // `named`: columns of what this stands for, which must be there though their values do not matter.
  explicit LiteralNode(Column one_row, std::vector<std::size_t> named = {})
      : Node(one_row.type(), {}), value_{std::move(one_row), true}, named_(std::move(named)) {}
  Value evaluate(Evaluation&) const override { return value_; }
  const Value* literal() const override { return &value_; }
  void collect_columns(std::vector<std::size_t>& out) const override {
    out.insert(out.end(), named_.begin(), named_.end());
  }

 private:
  Value value_;
  std::vector<std::size_t> named_;
};

class CallNode final : public Node {
 public:
  CallNode(Type type, std::vector<NodePtr> arguments, Kernel kernel, CallTraits traits)
      : Node(type, std::move(arguments)), kernel_(std::move(kernel)), traits_(traits) {
    if (!traits.deterministic) not_deterministic();
    if (!traits.total) not_total();
    costs(traits.cost);
  }

  CallKind kind() const override { return traits_.kind; }

  Value evaluate(Evaluation& evaluation) const override {
    std::vector<Value> values;
    values.reserve(arguments().size());
    bool constant = traits_.deterministic;
    bool null = false;
    for (const NodePtr& argument : arguments()) {
      values.push_back(argument->evaluate(evaluation));
      constant = constant && values.back().constant;
      null = null || (values.back().constant && !values.back().valid(0));
    }
    if (null && traits_.strict) return {null_column(type(), 1), true};
    if (!constant) return {kernel_({type(), evaluation.rows, evaluation.now, evaluation.errors}, values), false};
    Errors errors(1);
    Column column = kernel_({type(), 1, evaluation.now, &errors}, values);
    if (errors.any()) evaluation.errors->set_all(errors.at(0));
    return {std::move(column), true};
  }

 private:
  Kernel kernel_;
  CallTraits traits_;
};

bool null_literal(const NodePtr& node) { return node->literal() != nullptr && !node->literal()->valid(0); }

bool column_free(const Node& node) {
  std::vector<std::size_t> columns;
  node.collect_columns(columns);
  return columns.empty();
}

Value scatter(Value value, std::span<const std::uint32_t> rows, std::size_t total) {
  if (value.constant) return value;
  std::vector<std::uint32_t> from(total, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) from[rows[i]] = static_cast<std::uint32_t>(i);
  return {value.column.take(from), false};
}

std::vector<Shared> gathered(const Shared* from, std::span<const std::uint32_t> rows) {
  std::vector<Shared> out;
  for (; from != nullptr; from = from->next) {
    const bool constant = from->value.constant;
    out.push_back({from->node, {constant ? from->value.column : from->value.column.take(rows), constant}, nullptr});
  }
  for (std::size_t i = 1; i < out.size(); ++i) out[i - 1].next = &out[i];
  return out;
}

// Computes only the rows asked for: worth the copies when little is asked or the node is dear.
Value evaluate_gathered(const Node& node, Evaluation& evaluation, std::span<const std::uint32_t> rows) {
  std::vector<std::size_t> used;
  node.collect_columns(used);
  std::vector<Column> columns(evaluation.columns.size());
  for (const std::size_t index : used) {
    if (columns[index].size() != rows.size()) columns[index] = evaluation.columns[index].take(rows);
  }
  Errors errors(rows.size());
  const std::vector<Shared> shared = node.shares() ? gathered(evaluation.shared, rows) : std::vector<Shared>();
  Evaluation inner{columns, rows.size(), evaluation.now, &errors, shared.empty() ? nullptr : shared.data()};
  Value value = node.evaluate(inner);
  if (errors.any()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (errors.at(i) != nullptr) evaluation.errors->set(rows[i], errors.at(i));
    }
  }
  return value;
}

}  // namespace

Node::Node(Type type, std::vector<NodePtr> arguments) : type_(type), arguments_(std::move(arguments)) {
  for (const NodePtr& argument : arguments_) {
    deterministic_ = deterministic_ && argument->deterministic_;
    total_ = total_ && argument->total_;
    shares_ = shares_ || argument->shares_;
    cost_ = std::min<std::uint32_t>(cost_ + argument->cost_, 1'000'000);
  }
}

void Node::collect_columns(std::vector<std::size_t>& out) const {
  for (const NodePtr& argument : arguments_) argument->collect_columns(out);
}

Value SharedNode::evaluate(Evaluation& evaluation) const {
  for (const Shared* shared = evaluation.shared; shared != nullptr; shared = shared->next) {
    if (shared->node == this) return shared->value;
  }
  return compute(evaluation);
}

NodePtr make_column(Type type, std::size_t index) { return std::make_shared<ColumnNode>(type, index); }
NodePtr make_literal(Column one_row) { return std::make_shared<LiteralNode>(std::move(one_row)); }
NodePtr make_null(Type type) { return make_literal(null_column(type, 1)); }

NodePtr make_text(std::string_view text, Type type) {
  ColumnBuilder builder(type, 1);
  builder.append_bytes(text);
  return make_literal(builder.finish());
}

NodePtr make_call(Type type, std::vector<NodePtr> arguments, Kernel kernel, CallTraits traits) {
  if (traits.strict && std::ranges::any_of(arguments, null_literal)) {
    std::vector<std::size_t> named;
    for (const NodePtr& argument : arguments) argument->collect_columns(named);
    return std::make_shared<LiteralNode>(null_column(type, 1), std::move(named));
  }
  return fold(std::make_shared<CallNode>(type, std::move(arguments), std::move(kernel), traits));
}

NodePtr fold(NodePtr node) {
  for (const NodePtr& argument : node->arguments()) {
    if (argument->literal() == nullptr) return node;
  }
  if (!node->deterministic() || node->literal() != nullptr || !column_free(*node)) return node;
  Errors errors(1);
  Evaluation evaluation{{}, 1, 0, &errors};
  Value value = node->evaluate(evaluation);
  return errors.any() ? node : make_literal(std::move(value.column));
}

Value evaluate_at(const Node& node, Evaluation& evaluation, std::span<const std::uint32_t> rows) {
  SomeRows some = evaluate_some(node, evaluation, rows);
  return some.alone ? scatter(std::move(some.value), rows, evaluation.rows) : std::move(some.value);
}

SomeRows evaluate_some(const Node& node, Evaluation& evaluation, std::span<const std::uint32_t> rows) {
  if (rows.size() == evaluation.rows) return {node.evaluate(evaluation)};
  if (rows.empty()) return {{null_column(node.type(), 1), true}};
  const std::uint64_t saved = std::uint64_t{node.cost()} * (evaluation.rows - rows.size());
  if (node.literal() == nullptr && saved > 8 * evaluation.rows)
    return {evaluate_gathered(node, evaluation, rows), true};
  if (node.total()) return {node.evaluate(evaluation)};
  Errors errors(evaluation.rows);
  Evaluation inner{evaluation.columns, evaluation.rows, evaluation.now, &errors, evaluation.shared};
  Value value = node.evaluate(inner);
  if (errors.any()) {
    for (const std::uint32_t row : rows) {
      if (errors.at(row) != nullptr) evaluation.errors->set(row, errors.at(row));
    }
  }
  return {std::move(value)};
}

const char* literal_text(const Node& node, std::string* text) {
  const Value* value = node.literal();
  if (value == nullptr || !node.type().variable() || !value->valid(0)) return nullptr;
  *text = value->column.bytes(0);
  return text->c_str();
}

namespace {

const Buffer* only_bitmap(std::span<const Value> arguments) {
  const Buffer* found = nullptr;
  for (const Value& argument : arguments) {
    if (argument.constant || !argument.column.has_nulls()) continue;
    if (found != nullptr) return nullptr;
    found = &argument.column.validity_buffer();
  }
  return found;
}

void and_bits(std::uint8_t* to, const std::uint8_t* from, std::size_t bytes) {
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    std::uint64_t a;
    std::uint64_t b;
    std::memcpy(&a, to + i, 8);
    std::memcpy(&b, from + i, 8);
    a &= b;
    std::memcpy(to + i, &a, 8);
  }
  for (; i < bytes; ++i) to[i] &= from[i];
}

}  // namespace

Nulls::Nulls(std::span<const Value> arguments, std::size_t rows) : rows_(rows) {
  bool constant_null = false;
  std::size_t with_nulls = 0;
  for (const Value& argument : arguments) {
    // A constant among columns stands for every row; with only constants there is one row.
    constant_null = constant_null || (argument.constant && !argument.valid(0));
    with_nulls += !argument.constant && argument.column.has_nulls();
  }
  if (!constant_null && with_nulls == 0) return;
  if (!constant_null && with_nulls == 1) {
    shared_ = *only_bitmap(arguments);
    bits_ = shared_.data();
    return;
  }
  make_own();
  const std::size_t bytes = (rows + 7) / 8;
  if (constant_null) std::memset(own_, 0, bytes);
  for (const Value& argument : arguments) {
    if (!argument.constant && argument.column.has_nulls()) {
      and_bits(own_, argument.column.validity_buffer().data(), bytes);
    }
  }
}

void Nulls::make_own() {
  const std::size_t bytes = (rows_ + 7) / 8;
  own_ = builder_.extend(bytes);
  if (bits_ != nullptr) {
    std::memcpy(own_, bits_, bytes);
  } else {
    std::memset(own_, 0xff, bytes);
    if (rows_ % 8 != 0) own_[bytes - 1] = static_cast<std::uint8_t>((1U << (rows_ % 8)) - 1);
  }
  bits_ = own_;
}

}  // namespace stream::expression
