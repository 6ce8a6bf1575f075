// Whether somebody else has come to the place where it waits.
#pragma once

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace stream {

// `task`: a process, or "self/task/TID". False if it does not sleep within 10 s.
inline bool wait_until_asleep(const std::string& task) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream file("/proc/" + task + "/stat");
    std::string text;
    std::getline(file, text);
    if (text.find(") S ") != std::string::npos) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace stream
