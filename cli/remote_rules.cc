#include "cli/remote_rules.h"

#include <algorithm>
#include <array>

#include "transport/base/text.h"

namespace stream {
namespace {

using http::Role;

// Who may send a manifest can have this machine read, connect and run: even to look at one is to operate.
constexpr std::array kRules = {
    RemoteRule{.verb = "cancel", .role = Role::kOperate},
    RemoteRule{.verb = "check", .role = Role::kOperate},
    RemoteRule{.verb = "checkpoint", .role = Role::kOperate, .reads_with = "list"},
    RemoteRule{.verb = "compare", .role = Role::kOperate, .follows_with = "*", .pipelines = "a b"},
    RemoteRule{.verb = "completion", .at = RunsAt::kHere},
    RemoteRule{.verb = "controller", .at = RunsAt::kHere},
    RemoteRule{.verb = "dead-letter"},
    // Clusters are reached from here, with what is here.
    RemoteRule{.verb = "deploy", .at = RunsAt::kHere},
    RemoteRule{.verb = "events"},
    RemoteRule{.verb = "explain", .role = Role::kOperate},
    RemoteRule{.verb = "gc", .role = Role::kAdmin, .reads_with = "dry-run"},
    RemoteRule{.verb = "graph", .role = Role::kOperate},
    RemoteRule{.verb = "help", .at = RunsAt::kHere},
    RemoteRule{.verb = "logs", .operates_with = "set-level", .follows_with = "follow"},
    // The picture goes to standard output: a file would be written where the server is.
    RemoteRule{.verb = "profile", .role = Role::kOperate, .refused_with = "output", .follows_with = "*"},
    RemoteRule{.verb = "ps"},
    RemoteRule{.verb = "rescale", .role = Role::kOperate},
    RemoteRule{.verb = "resume", .role = Role::kOperate, .follows_with = "foreground", .speaks_with = "foreground"},
    RemoteRule{.verb = "run", .role = Role::kOperate, .refused_with = "http", .follows_with = "*", .speaks_with = "*"},
    RemoteRule{.verb = "savepoint", .role = Role::kOperate, .reads_with = "list", .admin_with = "delete keep keep-for"},
    RemoteRule{.verb = "serve", .at = RunsAt::kHere},
    RemoteRule{.verb = "show"},
    RemoteRule{.verb = "stages"},
    RemoteRule{.verb = "state diff"},
    RemoteRule{.verb = "state edit", .role = Role::kOperate},
    RemoteRule{.verb = "state export"},
    RemoteRule{.verb = "state ls"},
    RemoteRule{.verb = "state merge", .role = Role::kOperate},
    RemoteRule{.verb = "state new", .role = Role::kOperate},
    RemoteRule{.verb = "state query"},
    RemoteRule{.verb = "state reshard", .role = Role::kOperate},
    RemoteRule{.verb = "state show"},
    RemoteRule{.verb = "state split", .role = Role::kOperate},
    RemoteRule{.verb = "stats", .follows_with = "watch", .draws_with = "watch"},
    RemoteRule{.verb = "stop", .role = Role::kOperate},
    RemoteRule{.verb = "tap", .role = Role::kOperate, .follows_with = "*"},
    RemoteRule{.verb = "test", .role = Role::kOperate},
    RemoteRule{.verb = "top", .at = RunsAt::kAsks},
    RemoteRule{.verb = "upgrade", .role = Role::kOperate, .follows_with = "*"},
    RemoteRule{.verb = "wait", .follows_with = "*"},
};

// Of a verb that nobody has thought of.
constexpr RemoteRule kUnknown = {.verb = "", .at = RunsAt::kNowhere, .instead = "log in there, and run it"};

}  // namespace

std::span<const RemoteRule> remote_rules() { return kRules; }

const RemoteRule& remote_rule(const Verb& verb) {
  const auto* it = std::ranges::find(kRules, verb.name, &RemoteRule::verb);
  return it == kRules.end() ? kUnknown : *it;
}

std::string first_given(std::string_view names, const VerbValues& values) {
  for (const std::string& name : split(names, ' ')) {
    if (!name.empty() && values.has(name)) return name;
  }
  return "";
}

http::Role role_of(const RemoteRule& rule, const VerbValues& values) {
  if (!first_given(rule.admin_with, values).empty()) return Role::kAdmin;
  if (!first_given(rule.operates_with, values).empty()) return Role::kOperate;
  return first_given(rule.reads_with, values).empty() ? rule.role : Role::kRead;
}

bool follows(const RemoteRule& rule, const VerbValues& values) {
  return rule.follows_with == "*" || !first_given(rule.follows_with, values).empty();
}

}  // namespace stream
