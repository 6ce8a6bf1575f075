// A PostgreSQL server of a test's own, on a socket in a temporary folder; never that of the system.
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace stream {

class PostgresServer {
 public:
  PostgresServer() = default;
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    if (started_) run(as_user_ + bin() + "pg_ctl -D " + folder_ + "/data -m immediate stop > /dev/null 2>&1");
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  static std::string bin() { return "/usr/lib/postgresql/15/bin/"; }
  static bool installed() { return std::filesystem::exists(bin() + "postgres"); }

  // `settings`: such as "-c jit=off".
  bool start(const std::string& settings) {
    std::string pattern = "/tmp/stream-pg-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    if (geteuid() == 0) {  // a server refuses to run as root
      const passwd* user = getpwnam("postgres");
      if (user == nullptr || chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) return false;
      as_user_ = "cd " + folder_ + " && runuser -u postgres -- ";
    }
    const std::string quiet = " > " + folder_ + "/log 2>&1";
    if (run(as_user_ + bin() + "initdb -D " + folder_ +
            "/data -U postgres -A trust --no-sync -E UTF8 --lc-collate=C --lc-ctype=C.UTF-8" + quiet) != 0) {
      return false;
    }
    const std::string options =
        "-c listen_addresses='' -c unix_socket_directories=" + folder_ + " -c fsync=off -c timezone=UTC " + settings;
    started_ = run(as_user_ + bin() + "pg_ctl -D " + folder_ + "/data -w -l " + folder_ + "/server.log -o \"" +
                   options + "\" start" + quiet) == 0;
    return started_;
  }

  // Runs the file `script`; what it prints, values separated by |, goes to the file `out`.
  bool psql(const std::string& script, const std::string& out) const {
    return run(bin() + "psql -X -q -At -v ON_ERROR_STOP=1 -h " + folder_ + " -U postgres -d postgres -f " + script +
               " > " + out) == 0;
  }

  const std::string& folder() const { return folder_; }
  std::string dsn() const { return "host=" + folder_ + " user=postgres dbname=postgres"; }

 private:
  static int run(const std::string& command) { return std::system(command.c_str()); }

  std::string folder_;
  std::string as_user_;
  bool started_ = false;
};

}  // namespace stream
