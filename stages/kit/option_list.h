// OptionList: rows of an option table that several stages have, so that each row is written once.
#pragma once

#include <algorithm>
#include <array>

#include "stages/kit/option.h"

namespace stream {

template <std::size_t N>
using OptionList = std::array<Option, N>;

// A stage's own rows: own_options({{.name = …}, …}).
template <std::size_t N>
constexpr OptionList<N> own_options(Option (&&rows)[N]) {
  return std::to_array(std::move(rows));
}

// The rows of all, one list behind the other.
template <std::size_t... N>
constexpr OptionList<(N + ...)> options_of(const OptionList<N>&... lists) {
  OptionList<(N + ...)> all{};
  auto* end = all.begin();
  ((end = std::copy(lists.begin(), lists.end(), end)), ...);
  return all;
}

}  // namespace stream
