// Runs a fuzz entry over files named on the command line, or over seeded random mutations of them
// (`--rounds N FILE…`): what a compiler without libFuzzer links.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

void mutate(std::string& input, std::mt19937_64& random) {
  static constexpr char kBytes[] = "{}[]\",:\\ 01x-.eE+\n\r\t\xff\x00u;ntf";
  for (std::uint64_t i = 1 + random() % 6; i > 0 && !input.empty(); --i) {
    const std::size_t at = random() % input.size();
    switch (random() % 4) {
      case 0: input[at] = kBytes[random() % sizeof kBytes]; break;
      case 1: input.erase(at, 1 + random() % 8); break;
      case 2: input.insert(at, 1, kBytes[random() % sizeof kBytes]); break;
      default: input.insert(at, input.substr(random() % input.size(), random() % 60));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool random_rounds = argc > 2 && std::string(argv[1]) == "--rounds";
  const long rounds = random_rounds ? std::stol(argv[2]) : 0;
  std::vector<std::string> inputs;
  for (int i = random_rounds ? 3 : 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  for (const std::string& input : inputs) run(input);
  std::mt19937_64 random(1);
  for (long round = 0; round < rounds && !inputs.empty(); ++round) {
    std::string input = inputs[random() % inputs.size()];
    mutate(input, random);
    run(input);
  }
  std::printf("%zu inputs, %ld mutations\n", inputs.size(), rounds);
}
