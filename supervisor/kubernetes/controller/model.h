// What the controller of StreamPipelines goes by: what is wanted, what it keeps in the status, what it sees. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stream::kubernetes {

enum class Phase : std::uint8_t {
  kNew,        // nothing has been made
  kDeploying,  // its Pods are to get ready
  kStable,     // they have been
  kStopping,   // it has been asked to stop with a savepoint
  kSuspended,  // there are no Pods
};

// What a job has been asked for and is not known to have done. Asked again with the same id, it is done once.
struct Asked {
  bool stop = false;  // with a savepoint; else only that
  std::string id;
  std::int64_t since_ms = 0;  // wall clock
  int tries = 1;

  friend bool operator==(const Asked&, const Asked&) = default;
};

struct Savepoint {
  std::string path;
  std::int64_t at_ms = 0;
  std::string reason;  // stop, nonce, schedule

  friend bool operator==(const Savepoint&, const Savepoint&) = default;
};

// All that must outlive the controller: it is in the status of the object, and whatever is done follows from it.
struct Kept {
  Phase phase = Phase::kNew;
  nlohmann::json reconciled;        // the spec that runs or is to run, with the text of its manifest; null = none
  nlohmann::json stable;            // the last one that has been ready
  std::int64_t attempt = 0;         // another one is another deployment of the job
  std::string from;                 // the savepoint that this attempt begins from; "" = it goes on
  bool fresh = false;               // it begins anew
  std::int64_t since_ms = 0;        // of the phase
  std::int64_t ready_since_ms = 0;  // of the Pods of this attempt, while it is deployed; 0 = they are not
  std::optional<Asked> asked;
  std::string rolled_back;  // digest of what is wanted and did not get ready
  std::string before;       // the savepoint before this attempt
  bool finished = false;    // the job had ended by itself when it was suspended
  std::int64_t savepoint_nonce = 0;
  std::vector<Savepoint> savepoints;  // the newest first
  std::string trouble;                // what has gone otherwise than wanted
};

// Of a job that answers.
struct JobSeen {
  std::string state = {};  // as Flink calls them
  std::int64_t checkpoint = 0;
  std::int64_t checkpoint_ms = 0;
  std::string savepoint = {};  // the newest it has made
};

// What has become of Kept::asked.
struct Outcome {
  bool over = false;
  std::string path = {};  // of the savepoint
  std::string why = {};   // there is none
};

struct Seen {
  std::int64_t generation = 0;
  nlohmann::json spec = {};             // what is wanted, with the text of its manifest
  std::string refused = {};             // why that cannot be; "" = it can
  bool ready = false;                   // the Pods of this attempt
  std::string pods = {};                // why they are not, as the cluster says
  std::optional<JobSeen> job = {};      // none: it does not answer
  std::optional<Outcome> outcome = {};  // none: nothing is known
  std::int64_t now_ms = 0;
};

bool is_suspended(const nlohmann::json& spec);
std::string upgrade_of(const nlohmann::json& spec);          // savepoint, checkpoint, stateless
std::int64_t rollback_after_ms(const nlohmann::json& spec);  // 0 = never
// What is another thing to run has another one.
std::string digest_of(const nlohmann::json& spec);

// Why it cannot be read, whatever the API server lets through; "" = it can.
std::string check_spec(const nlohmann::json& spec);

Kept kept_of(const nlohmann::json& status);
// The status of the object, as people and this controller read it; `old` is what it is now.
nlohmann::json status_of(const Kept& kept, const Seen& seen, const nlohmann::json& old);

// "2026-11-28T11:04:05Z"
std::string time_text(std::int64_t wall_ms);

}  // namespace stream::kubernetes
