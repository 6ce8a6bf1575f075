#include <algorithm>
#include <numeric>

#include "stages/expression/kernel.h"
#include "stages/expression/operators.h"
#include "transport/base/copy_short.h"

namespace stream::expression {
namespace {

using std::uint8_t;
using Rows = std::vector<std::uint32_t>;

// Three-valued logic as numbers: AND is the minimum, OR the maximum.
enum : uint8_t { kFalse = 0, kNull = 1, kTrue = 2 };

void to_tri(const Value& value, std::size_t rows, uint8_t* out) {
  if (value.constant) {
    std::memset(out, value.valid(0) ? value.column.value<uint8_t>(0) * 2 : kNull, rows);
    return;
  }
  const uint8_t* from = value.column.values<uint8_t>();
  for (std::size_t i = 0; i < rows; ++i) out[i] = static_cast<uint8_t>(from[i] * 2);
  if (!value.column.has_nulls()) return;
  const uint8_t* bits = value.column.validity_buffer().data();
  std::size_t i = 0;
  for (; i + 8 <= rows; i += 8) {
    if (bits[i / 8] == 0xff) continue;
    const std::uint64_t valid = spread_bits(bits[i / 8]);
    std::uint64_t eight;
    std::memcpy(&eight, out + i, 8);
    eight = (eight & (valid * 0xff)) | (valid ^ 0x0101010101010101ULL);
    std::memcpy(out + i, &eight, 8);
  }
  for (; i < rows; ++i) {
    if (((bits[i >> 3] >> (i & 7)) & 1) == 0) out[i] = kNull;
  }
}

Column from_tri(const uint8_t* tri, std::size_t rows) {
  Nulls nulls(rows);
  FixedOut<uint8_t> out(rows);
  uint8_t some_null = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    out.data()[i] = tri[i] == kTrue;
    some_null |= tri[i] & 1;
  }
  if (some_null != 0) {
    for (std::size_t i = 0; i < rows; ++i) {
      if (tri[i] == kNull) nulls.set_null(i);
    }
  }
  return out.finish(kBoolean, rows, nulls);
}

// AND and OR: left to right, and what follows a decided row cannot make it fail.
template <bool kAnd>
class JunctionNode final : public Node {
 public:
  explicit JunctionNode(std::vector<NodePtr> arguments) : Node(kBoolean, std::move(arguments)) {}

  Value evaluate(Evaluation& evaluation) const override {
    constexpr uint8_t kDecided = kAnd ? kFalse : kTrue;
    const std::size_t rows = evaluation.rows;
    std::vector<uint8_t> sum(rows);
    std::vector<uint8_t> next(rows);
    to_tri(arguments()[0]->evaluate(evaluation), rows, sum.data());
    Rows open;
    for (const NodePtr& argument : arguments().subspan(1)) {
      if (argument->total() && argument->cost() <= 8) {
        to_tri(argument->evaluate(evaluation), rows, next.data());
      } else {
        open.resize(rows);
        std::size_t count = 0;
        for (std::size_t i = 0; i < rows; ++i) {
          open[count] = static_cast<std::uint32_t>(i);
          count += sum[i] != kDecided;
        }
        open.resize(count);
        if (count == 0) break;
        to_tri(evaluate_at(*argument, evaluation, open), rows, next.data());
      }
      for (std::size_t i = 0; i < rows; ++i) sum[i] = kAnd ? std::min(sum[i], next[i]) : std::max(sum[i], next[i]);
    }
    return {from_tri(sum.data(), rows), false};
  }
};

template <bool kAnd>
NodePtr make_junction(std::vector<NodePtr> arguments) {
  if (arguments.size() == 1) return arguments[0];
  return fold(std::make_shared<JunctionNode<kAnd>>(std::move(arguments)));
}

Rows all_rows(std::size_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

// One of the values that rows may take. Those computed for the rows that take it alone are met in their order.
class Part {
 public:
  explicit Part(SomeRows some) : value_(std::move(some.value)), alone_(some.alone) {}
  explicit Part(const Value& value) : value_(value) {}

  const Column& column() const { return value_.column; }
  bool constant() const { return value_.constant; }
  // Where row i stands in column(). To be asked once for each row that takes the part, ascending.
  std::size_t place(std::size_t i) { return value_.constant ? 0 : alone_ ? next_++ : i; }

 private:
  Value value_;
  bool alone_ = false;
  std::size_t next_ = 0;
};

using Chosen = std::span<const std::uint32_t>;  // the part each row takes: parts[chosen[i] - 1], or NULL for 0

// At least as many bytes as the rows take.
std::size_t text_bytes(std::span<const Part> parts, Chosen chosen) {
  std::vector<std::size_t> rows_of(parts.size() + 1);
  for (const std::uint32_t part : chosen) ++rows_of[part];
  std::size_t bytes = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const std::size_t size = parts[p].column().values_buffer().size();
    bytes += parts[p].constant() ? size * rows_of[p + 1] : size;
  }
  return bytes;
}

Column assemble_text(Type type, std::span<Part> parts, Chosen chosen) {
  Nulls nulls(chosen.size());
  ByteBuilder values;
  ByteBuilder offsets;
  auto* const begin = reinterpret_cast<char*>(values.extend(text_bytes(parts, chosen)));
  auto* const at = reinterpret_cast<std::int32_t*>(offsets.extend((chosen.size() + 1) * sizeof(std::int32_t)));
  char* end = begin;
  at[0] = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    Part* const part = chosen[i] == 0 ? nullptr : &parts[chosen[i] - 1];
    const std::size_t place = part == nullptr ? 0 : part->place(i);
    if (part == nullptr || !part->column().valid(place)) {
      nulls.set_null(i);
    } else {
      const std::string_view bytes = part->column().bytes(place);
      end = copy_short(end, bytes.data(), bytes.size());
    }
    at[i + 1] = static_cast<std::int32_t>(end - begin);
  }
  values.shrink(static_cast<std::size_t>(end - begin));
  return {type, chosen.size(), nulls.finish(), values.finish(), offsets.finish()};
}

Column assemble(Type type, std::span<Part> parts, Chosen chosen) {
  if (type.variable()) return assemble_text(type, parts, chosen);
  const std::size_t width = type.width();
  Nulls nulls(chosen.size());
  ByteBuilder values;
  uint8_t* out = values.extend(chosen.size() * width);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    Part* const part = chosen[i] == 0 ? nullptr : &parts[chosen[i] - 1];
    const std::size_t place = part == nullptr ? 0 : part->place(i);
    if (part == nullptr || !part->column().valid(place)) {
      nulls.set_null(i);
      std::memset(out + i * width, 0, width);
    } else {
      std::memcpy(out + i * width, part->column().values_buffer().data() + place * width, width);
    }
  }
  return {type, chosen.size(), nulls.finish(), values.finish()};
}

Column assemble(Type type, std::span<const Value> values, Chosen chosen) {
  std::vector<Part> parts(values.begin(), values.end());
  return assemble(type, parts, chosen);
}

class CaseNode final : public Node {
 public:
  // `operand`: what the conditions share; may be null.
  CaseNode(Type type, std::vector<NodePtr> arguments, std::shared_ptr<const SharedNode> operand)
      : Node(type, std::move(arguments)), operand_(std::move(operand)) {
    costs(5 + (operand_ ? operand_->arguments()[0]->cost() : 0));
  }

  Value evaluate(Evaluation& evaluation) const override {
    if (!operand_) return choose_value(evaluation);
    const Shared shared{operand_.get(), operand_->compute(evaluation), evaluation.shared};
    Evaluation inner = evaluation;
    inner.shared = &shared;
    return choose_value(inner);
  }

 private:
  Value choose_value(Evaluation& evaluation) const {
    std::vector<Part> parts;
    std::vector<std::uint32_t> chosen(evaluation.rows, 0);
    Rows left = all_rows(evaluation.rows);
    Rows taken;
    const auto choose = [&](const Node& result, const Rows& rows) {
      if (rows.empty()) return;
      parts.emplace_back(evaluate_some(result, evaluation, rows));
      for (const std::uint32_t row : rows) chosen[row] = static_cast<std::uint32_t>(parts.size());
    };
    std::size_t i = 0;
    for (; i + 1 < arguments().size() && !left.empty(); i += 2) {
      split(evaluate_at(*arguments()[i], evaluation, left), left, taken);
      choose(*arguments()[i + 1], taken);
    }
    choose(*arguments().back(), left);
    return {assemble(type(), parts, chosen), false};
  }

  // Moves the rows for which the condition is true from `left` to `taken`.
  static void split(const Value& condition, Rows& left, Rows& taken) {
    taken.clear();
    std::size_t kept = 0;
    for (const std::uint32_t row : left) {
      if (condition.valid(row) && condition.column.value<uint8_t>(condition.row(row)) != 0) {
        taken.push_back(row);
      } else {
        left[kept++] = row;
      }
    }
    left.resize(kept);
  }

  std::shared_ptr<const SharedNode> operand_;
};

class CoalesceNode final : public Node {
 public:
  CoalesceNode(Type type, std::vector<NodePtr> arguments) : Node(type, std::move(arguments)) { costs(2); }

  Value evaluate(Evaluation& evaluation) const override {
    Value first = arguments()[0]->evaluate(evaluation);
    if (!first.column.has_nulls()) return first;
    std::vector<Value> parts;
    std::vector<std::uint32_t> chosen(evaluation.rows, 0);
    Rows left = all_rows(evaluation.rows);
    keep(std::move(first), parts, chosen, left);
    for (std::size_t i = 1; i < arguments().size() && !left.empty(); ++i) {
      keep(evaluate_at(*arguments()[i], evaluation, left), parts, chosen, left);
    }
    return {assemble(type(), parts, chosen), false};
  }

 private:
  static void keep(Value value, std::vector<Value>& parts, std::vector<std::uint32_t>& chosen, Rows& left) {
    parts.push_back(std::move(value));
    std::size_t kept = 0;
    for (const std::uint32_t row : left) {
      if (parts.back().valid(row)) {
        chosen[row] = static_cast<std::uint32_t>(parts.size());
      } else {
        left[kept++] = row;
      }
    }
    left.resize(kept);
  }
};

}  // namespace

NodePtr make_and(std::vector<NodePtr> arguments) { return make_junction<true>(std::move(arguments)); }
NodePtr make_or(std::vector<NodePtr> arguments) { return make_junction<false>(std::move(arguments)); }

NodePtr make_not(NodePtr a) {
  return make_call(kBoolean, {std::move(a)}, map<uint8_t, uint8_t>([](uint8_t x) { return x == 0; }), {.total = true});
}

NodePtr make_null_test(NodePtr a, bool negated) {
  Kernel kernel = [negated](const Call& call, std::span<const Value> arguments) {
    Nulls nulls(call.rows);
    FixedOut<uint8_t> out(call.rows);
    const Value& value = arguments[0];
    for (std::size_t i = 0; i < call.rows; ++i) out.data()[i] = value.valid(i) == negated;
    return out.finish(call.type, call.rows, nulls);
  };
  return make_call(kBoolean, {std::move(a)}, std::move(kernel), {.strict = false, .total = true, .cost = 1});
}

NodePtr make_boolean_test(NodePtr a, Truth truth, bool negated) {
  Kernel kernel = [truth, negated](const Call& call, std::span<const Value> arguments) {
    Nulls nulls(call.rows);
    FixedOut<uint8_t> out(call.rows);
    const uint8_t wanted = truth == Truth::kTrue ? kTrue : truth == Truth::kFalse ? kFalse : kNull;
    to_tri(arguments[0], call.rows, out.data());
    for (std::size_t i = 0; i < call.rows; ++i) out.data()[i] = (out.data()[i] == wanted) != negated;
    return out.finish(call.type, call.rows, nulls);
  };
  return make_call(kBoolean, {std::move(a)}, std::move(kernel), {.strict = false, .total = true});
}

NodePtr make_case(Type type, std::vector<NodePtr> arguments, std::shared_ptr<const SharedNode> operand) {
  return fold(std::make_shared<CaseNode>(type, std::move(arguments), std::move(operand)));
}

NodePtr make_coalesce(Type type, std::vector<NodePtr> arguments) {
  return fold(std::make_shared<CoalesceNode>(type, std::move(arguments)));
}

NodePtr make_greatest(Type type, std::vector<NodePtr> arguments, bool least) {
  Kernel kernel = [least](const Call& call, std::span<const Value> values) {
    std::vector<std::uint32_t> chosen(call.rows, 0);
    for (std::size_t k = 0; k < values.size(); ++k) {
      for (std::size_t i = 0; i < call.rows; ++i) {
        const Value& value = values[k];
        if (!value.valid(i)) continue;
        if (chosen[i] != 0) {
          const Value& best = values[chosen[i] - 1];
          const int order = compare_rows(value.column, value.row(i), best.column, best.row(i));
          if (least ? order >= 0 : order <= 0) continue;
        }
        chosen[i] = static_cast<std::uint32_t>(k + 1);
      }
    }
    return assemble(call.type, values, chosen);
  };
  return make_call(type, std::move(arguments), std::move(kernel), {.strict = false, .total = true, .cost = 10});
}

NodePtr make_nullif(NodePtr a, NodePtr equal) {
  const Type type = a->type();
  Kernel kernel = [](const Call& call, std::span<const Value> values) {
    std::vector<std::uint32_t> chosen(call.rows, 1);
    const Value& same = values[1];
    for (std::size_t i = 0; i < call.rows; ++i) {
      if (same.valid(i) && same.column.value<uint8_t>(same.row(i)) != 0) chosen[i] = 0;
    }
    return assemble(call.type, values, chosen);
  };
  return make_call(type, {std::move(a), std::move(equal)}, std::move(kernel),
                   {.strict = false, .total = true, .cost = 5});
}

}  // namespace stream::expression
