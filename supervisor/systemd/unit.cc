#include "supervisor/systemd/unit.h"

namespace stream::systemd {
namespace {

// A dash in the name of a slice says what it is below.
std::string slice_name(const std::string& job) {
  std::string name = "stream-";
  for (const char c : job) name += c == '-' ? std::string("\\x2d") : std::string(1, c);
  return name + ".slice";
}

// Texts that are no command lines: specifiers alone are replaced there.
std::string value(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '%' ? std::string("%%") : std::string(1, c);
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string service_text(const Service& service) {
  const bool of_system = !service.user.empty();
  const std::string stop = command_word(service.program) + " stop " + service.job;
  std::string command = command_word(service.program);
  for (const std::string& word : service.run) command += " " + command_word(word);
  std::string text =
      "# Made by 'stream deploy --on systemd': see stream-systemd(7).\n"
      "[Unit]\n"
      "Description=Stream pipeline " +
      service.job +
      "\n"
      "Documentation=man:stream-systemd(7)\n" +
      (of_system ? "Wants=network-online.target\nAfter=network-online.target\n" : "") +
      "# A job that fails again and again is left alone.\n"
      "StartLimitIntervalSec=10min\n"
      "StartLimitBurst=5\n"
      "\n"
      "[Service]\n"
      "# The supervisor tells when the job runs, how it goes, and that it is alive.\n"
      "Type=notify\n"
      "NotifyAccess=main\n"
      "WatchdogSec=1min\n"
      "ExecStart=" +
      command +
      "\n"
      "# A savepoint, and the end; started again it goes on from there. Nothing is to be stopped where it has ended.\n"
      "ExecStop=/bin/sh -c '[ -z \"$$MAINPID\" ] || exec \"$$@\"' - " +
      stop +
      "\n"
      "Restart=on-failure\n"
      "RestartSec=5s\n"
      "# The manifest is wrong: that does not pass.\n"
      "RestartPreventExitStatus=100\n"
      "# Each time it says that there is work left it gets more.\n"
      "TimeoutStartSec=5min\n"
      "TimeoutStopSec=5min\n"
      "# Instances end with their supervisor, which is asked first.\n"
      "KillMode=mixed\n"
      "LimitNOFILE=524288\n"
      "Slice=" +
      slice_name(service.job) +
      "\n"
      "WorkingDirectory=" +
      value(service.folder) + "\n";
  for (const auto& [name, is] : service.environment) text += "Environment=" + quoted(value(name + "=" + is)) + "\n";
  if (of_system) text += "User=" + service.user + "\n";
  return text + "\n[Install]\nWantedBy=" + (of_system ? "multi-user.target" : "default.target") + "\n";
}

std::string slice_text(const Service& service) {
  return "# Made by 'stream deploy --on systemd': see stream-systemd(7).\n"
         "[Unit]\n"
         "Description=Processes of stream pipeline " +
         service.job +
         "\n"
         "Documentation=man:stream-systemd(7)\n"
         "\n"
         "[Slice]\n"
         "CPUAccounting=yes\n"
         "MemoryAccounting=yes\n"
         "IOAccounting=yes\n";
}

}  // namespace

std::string service_name(const std::string& job) { return "stream-" + job + ".service"; }

std::string command_word(const std::string& word) {
  std::string out;
  for (const char c : word) {
    if (c == '%' || c == '$') out += c;  // twice
    out += c;
  }
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-$";
  const bool plain = !out.empty() && out.find_first_not_of(kPlain) == std::string::npos;
  return plain ? out : quoted(out);
}

std::vector<Unit> units(const Service& service) {
  return {{service_name(service.job), service_text(service)}, {slice_name(service.job), slice_text(service)}};
}

}  // namespace stream::systemd
