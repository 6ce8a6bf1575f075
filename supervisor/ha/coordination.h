// Coordination: what a place outside keeps of one job, so that several supervisors may stand ready for it and one
// leads.
//
// Two registers, each replaced only by who knows what is in it (compare and set), and a sign of life of the leader. The
// registers alone decide: a supervisor that was taken for dead and is not finds its next write refused. The sign of
// life only says when it is worth while to try to take over; that it may be wrong costs time, never a result.
//
// Implementations: file_coordination.h, zookeeper/, kubernetes/. An object may be used by several threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::ha {

enum class Register : std::uint8_t {
  kTerm,  // who leads, what it has published: term.h
  kJob,   // what must outlive a supervisor: the manifest, runs, attempts, savepoints
};

struct Entry {
  std::uint64_t version = 0;  // 0: nothing has been written yet
  std::string text;
};

// Of the leader, as others see it.
struct Pulse {
  std::uint64_t beats = 0;  // another number each time it has shown itself
  bool vouched = false;     // the place itself says that it lives, whether the number changes or not
  bool gone = false;        // the place itself says that it does not
};

class Coordination {
 public:
  virtual ~Coordination() = default;

  // Errors: kSystem, if the place is out of reach.
  virtual Result<Entry> read(Register which) = 0;
  // Replaces the text of version `expected`; returns the new version, or none if somebody else has been there. Durable
  // on return. Errors: kSystem, and then whether it was written is not known: read() tells.
  virtual Result<std::optional<std::uint64_t>> write(Register which, std::uint64_t expected,
                                                     const std::string& text) = 0;

  // Shows that this supervisor lives, which leads the term or is about to try. Errors: kSystem.
  virtual Status beat(std::uint64_t term) = 0;
  // Of the supervisor with this id, which leads the term.
  virtual Result<Pulse> pulse(std::uint64_t term, const std::string& leader) = 0;
  // The leader of this term goes on its own account: nobody need wait for its silence.
  virtual Status leave(std::uint64_t term) = 0;
};

// Where jobs are coordinated, as --ha has it, each with ?lease=2s and ?deployment=WORD:
//   file:///shared/folder
//   zookeeper://h1[:2181],h2[:2181]/path
//   kubernetes:///[NAMESPACE]                               from within a Pod
//   kubernetes://HOST:PORT/NAMESPACE?token-file=/path&…     from elsewhere
struct Place {
  std::string scheme;
  std::string hosts;                                // of zookeeper, with their ports; of kubernetes: of its API server
  std::string path;                                 // absolute
  Microseconds lease = 2'000'000;                   // a leader that shows no sign of life for so long is taken for dead
  std::string deployment = {};                      // a job that has ended as another one begins anew; "" = none does
  std::string text;                                 // as it was said
  std::map<std::string, std::string> options = {};  // of kubernetes: files of who asks; see kPlaceFiles

  // The same for all who mean the same place, however they say it.
  std::string identity() const;
};

inline const std::string kPlaceFiles[] = {"token-file", "ca-file", "cert-file", "key-file"};

// Errors: kUsage, saying what is wrong and how it is written.
Result<Place> parse_place(const std::string& text);

// `id`: of this supervisor, unlike any other's. Errors: kSystem, naming the place; kFailed if this build has no such
// kind.
Result<std::unique_ptr<Coordination>> open_coordination(const Place& place, const std::string& job,
                                                        const std::string& id);

}  // namespace stream::ha
