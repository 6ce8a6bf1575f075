// What becomes of a verb that is asked for with --server: one table, a row for every verb.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/http/tokens.h"

namespace stream {

enum class RunsAt : std::uint8_t {
  kServer,
  kHere,     // it is about this machine, whatever server there is
  kAsks,     // it runs here, and asks the server by other verbs
  kNowhere,  // it could only pretend
};

// Names of options stand in one text, separated by blanks.
struct RemoteRule {
  std::string_view verb;
  RunsAt at = RunsAt::kServer;
  http::Role role = http::Role::kRead;  // that it needs
  std::string_view reads_with = {};     // options that make it one that reads
  std::string_view operates_with = {};  // that make it one that operates
  std::string_view admin_with = {};     // that make it one for who may do everything
  std::string_view refused_with = {};   // that are not taken from elsewhere
  std::string_view follows_with = {};   // that make it go on as long as somebody listens; "*" = it always does
  std::string_view speaks_with = {};    // that make it say how it ends when it is interrupted; "*" = it always does
  std::string_view draws_with = {};     // that make it draw a picture in place, on a terminal
  std::string_view pipelines = {};      // what may be a manifest, beside those of kind kPipeline
  std::string_view instead = {};        // of kNowhere: what can be done
};

std::span<const RemoteRule> remote_rules();
// Of every verb there is one.
const RemoteRule& remote_rule(const Verb& verb);

http::Role role_of(const RemoteRule& rule, const VerbValues& values);
bool follows(const RemoteRule& rule, const VerbValues& values);
// The first of those options that is given; "" if none is.
std::string first_given(std::string_view names, const VerbValues& values);

}  // namespace stream
