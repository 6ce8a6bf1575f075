#include "supervisor/profile/unwinder.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "supervisor/profile/function_name.h"

namespace stream::profile {
namespace {

constexpr std::size_t kFramesMax = 200;     // a line of the result has an end
constexpr std::size_t kNamesMax = 200'000;  // addresses that are remembered

const Dwfl_Callbacks kModules = {.find_elf = dwfl_linux_proc_find_elf,
                                 .find_debuginfo = dwfl_standard_find_debuginfo,
                                 .section_address = nullptr,
                                 .debuginfo_path = nullptr};

}  // namespace

// What libdw calls.
struct UnwinderCalls {
  static pid_t next_thread(Dwfl*, void*, void**) { return 0; }  // they are asked for by number

  static bool get_thread(Dwfl*, pid_t, void* unwinder, void** of_thread) {
    *of_thread = unwinder;
    return true;
  }

  static bool memory_read(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* unwinder) {
    const StackCopy& stack = *static_cast<Unwinder*>(unwinder)->stack_;
    if (address < stack.begin || address - stack.begin + sizeof *result > stack.bytes.size()) return false;
    std::memcpy(result, stack.bytes.data() + (address - stack.begin), sizeof *result);
    return true;
  }

  static bool set_initial_registers(Dwfl_Thread* thread, void* unwinder) {
    const StackCopy& stack = *static_cast<Unwinder*>(unwinder)->stack_;
    return dwfl_thread_state_registers(thread, 0, static_cast<unsigned>(stack.registers.size()),
                                       stack.registers.data());
  }

  static int take_frame(Dwfl_Frame* frame, void* list) {
    auto& addresses = *static_cast<std::vector<std::uint64_t>*>(list);
    Dwarf_Addr address = 0;
    bool running = false;  // else it is where a call returns to, which may be in the next function already
    if (!dwfl_frame_pc(frame, &address, &running)) return DWARF_CB_ABORT;
    addresses.push_back(running ? address : address - 1);
    return addresses.size() < kFramesMax ? DWARF_CB_OK : DWARF_CB_ABORT;
  }
};

const Dwfl_Thread_Callbacks Unwinder::kThreads = {.next_thread = UnwinderCalls::next_thread,
                                                  .get_thread = UnwinderCalls::get_thread,
                                                  .memory_read = UnwinderCalls::memory_read,
                                                  .set_initial_registers = UnwinderCalls::set_initial_registers,
                                                  .detach = nullptr,
                                                  .thread_detach = nullptr};

Result<std::unique_ptr<Unwinder>> Unwinder::open(pid_t pid) {
  std::unique_ptr<Unwinder> unwinder(new Unwinder);
  unwinder->dwfl_ = dwfl_begin(&kModules);
  if (unwinder->dwfl_ == nullptr) return failed(dwfl_errmsg(-1));
  const std::string process = "process " + std::to_string(pid);
  if (const int error = dwfl_linux_proc_report(unwinder->dwfl_, pid); error > 0)
    return system_error("look into", process, error);
  dwfl_report_end(unwinder->dwfl_, nullptr, nullptr);
  if (!dwfl_attach_state(unwinder->dwfl_, nullptr, pid, &kThreads, unwinder.get()))
    return failed("unable to look into '" + process + "': " + dwfl_errmsg(-1));
  return unwinder;
}

Unwinder::~Unwinder() {
  if (dwfl_ != nullptr) dwfl_end(dwfl_);
}

std::vector<std::string> Unwinder::frames_of(const StackCopy& stack) {
  stack_ = &stack;
  std::vector<std::uint64_t> addresses;
  // Its status says how the walk ended, as it does at the first frame of every thread.
  (void)dwfl_getthread_frames(dwfl_, stack.thread, UnwinderCalls::take_frame, &addresses);
  stack_ = nullptr;
  std::vector<std::string> names;
  for (const std::uint64_t address : addresses) names.push_back(name_at(address));
  std::ranges::reverse(names);
  return names;
}

const std::string& Unwinder::name_at(std::uint64_t address) {
  if (names_.size() > kNamesMax) names_.clear();
  const auto [at, is_new] = names_.try_emplace(address);
  if (!is_new) return at->second;
  Dwfl_Module* module = dwfl_addrmodule(dwfl_, address);
  if (module == nullptr) return at->second = "[no file]";  // made while it runs, as by LuaJIT
  if (const char* symbol = dwfl_module_addrname(module, address)) return at->second = readable_name(symbol);
  const char* file = dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  return at->second = "[" + std::filesystem::path(file == nullptr ? "?" : file).filename().string() + "]";
}

}  // namespace stream::profile
