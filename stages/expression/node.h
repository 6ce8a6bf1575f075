// The typed tree behind an Expression and what its evaluation works on. Internal to this folder.
//
// A node is immutable once built and evaluate() is re-entrant. A value that is the same for every
// row is a one-row column marked `constant`, so that kernels can run column against constant.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/record/batch.h"

namespace stream::expression {

class Node;
using NodePtr = std::shared_ptr<const Node>;

// Calls that others know, to do better with them than with their values.
enum class CallKind : std::uint8_t { kOther, kReplace };

// The first error of each row; costs nothing until there is one.
class Errors {
 public:
  explicit Errors(std::size_t rows) : rows_(rows) {}

  bool any() const { return !reasons_.empty(); }
  // The reason, or null. Only if any().
  const char* at(std::size_t row) const { return reasons_[row]; }
  void set(std::size_t row, const char* reason) {
    if (reasons_.empty()) reasons_.resize(rows_, nullptr);
    if (reasons_[row] == nullptr) reasons_[row] = reason;
  }
  void set_all(const char* reason) {
    for (std::size_t row = 0; row < rows_; ++row) set(row, reason);
  }

 private:
  std::size_t rows_;
  std::vector<const char*> reasons_;
};

struct Value {
  Column column;
  bool constant = false;  // one row that stands for all

  std::size_t row(std::size_t i) const { return constant ? 0 : i; }
  bool valid(std::size_t i) const { return column.valid(row(i)); }
};

// A value that several nodes of one evaluation ask for: computed once, for all rows.
struct Shared {
  const Node* node = nullptr;
  Value value;
  const Shared* next = nullptr;
};

struct Evaluation {
  std::span<const Column> columns;
  std::size_t rows = 0;
  std::int64_t now = 0;  // microseconds since the epoch: one instant for the whole batch
  Errors* errors = nullptr;
  const Shared* shared = nullptr;
};

// What a kernel gets beside its arguments.
struct Call {
  Type type;
  std::size_t rows = 0;
  std::int64_t now = 0;
  Errors* errors = nullptr;
};

using Kernel = std::function<Column(const Call&, std::span<const Value>)>;

class Node {
 public:
  Node(Type type, std::vector<NodePtr> arguments);
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  virtual Value evaluate(Evaluation& evaluation) const = 0;

  Type type() const { return type_; }
  std::span<const NodePtr> arguments() const { return arguments_; }
  bool deterministic() const { return deterministic_; }
  bool total() const { return total_; }
  // Roughly nanoseconds a row: decides between computing all rows and only those needed.
  std::uint32_t cost() const { return cost_; }
  // Whether it, or something in it, asks for Evaluation::shared.
  bool shares() const { return shares_; }
  // The value if the node is a literal or was folded to one, else null.
  virtual const Value* literal() const { return nullptr; }
  virtual CallKind kind() const { return CallKind::kOther; }
  // The index if the node is just a column.
  virtual std::optional<std::size_t> column() const { return std::nullopt; }
  virtual void collect_columns(std::vector<std::size_t>& out) const;

 protected:
  void not_deterministic() { deterministic_ = false; }
  void not_total() { total_ = false; }
  void costs(std::uint32_t more) { cost_ += more; }
  void is_shared() { shares_ = true, cost_ = 1; }

 private:
  Type type_;
  std::vector<NodePtr> arguments_;
  bool deterministic_ = true;
  bool total_ = true;
  bool shares_ = false;
  std::uint32_t cost_ = 1;
};

struct CallTraits {
  bool strict = true;  // a NULL argument makes the result NULL
  bool total = false;  // never an error
  bool deterministic = true;
  std::uint32_t cost = 2;
  CallKind kind = CallKind::kOther;
};

// Stands for its argument, whose value is among Evaluation::shared, or else is computed here.
class SharedNode final : public Node {
 public:
  explicit SharedNode(NodePtr of) : Node(of->type(), {of}) { is_shared(); }
  Value evaluate(Evaluation& evaluation) const override;
  Value compute(Evaluation& evaluation) const { return arguments()[0]->evaluate(evaluation); }
};

NodePtr make_column(Type type, std::size_t index);
NodePtr make_literal(Column one_row);
NodePtr make_null(Type type);
NodePtr make_text(std::string_view text, Type type = kVarchar);
template <class T>
NodePtr make_fixed(Type type, T value) {
  ColumnBuilder builder(type, 1);
  builder.append<T>(value);
  return make_literal(builder.finish());
}
// A call of `kernel`. Folded to a literal when every argument is one and it computes.
NodePtr make_call(Type type, std::vector<NodePtr> arguments, Kernel kernel, CallTraits traits = {});
// Evaluates a node without columns that cannot fail any more and returns it as a literal; returns
// the node itself where that is not so.
NodePtr fold(NodePtr node);

// The value of `node`, needed only in `rows` (ascending, a subset of all): errors of other rows
// are not reported and their values mean nothing.
Value evaluate_at(const Node& node, Evaluation& evaluation, std::span<const std::uint32_t> rows);
// The same, as it was computed: of these rows alone, or of all.
struct SomeRows {
  Value value;
  bool alone = false;
};
SomeRows evaluate_some(const Node& node, Evaluation& evaluation, std::span<const std::uint32_t> rows);

// The text of a literal VARCHAR, or null if the node is none or NULL.
const char* literal_text(const Node& node, std::string* text);

}  // namespace stream::expression
