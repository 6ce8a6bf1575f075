// ReplicationSlot: what a server keeps for one stage of one job: a publication of its tables, and a slot, which
// holds the log from the position on that the stage has confirmed.
#pragma once

#include <string>
#include <vector>

#include "stages/postgres/connection.h"
#include "stages/read-postgres/pgoutput.h"

namespace stream {

// "stream_JOB_STAGE" in letters that a slot's name may have; a long one ends in a hash.
std::string slot_name(const std::string& job, const std::string& stage);

class ReplicationSlot {
 public:
  // `publication`: "" = one of the slot's name is made, and dropped with it.
  ReplicationSlot(std::string name, std::string publication, std::vector<std::string> tables);

  const std::string& name() const { return name_; }
  const std::string& publication() const { return publication_; }

  // Makes the publication hold exactly these tables, or checks that the user's is there.
  Status publish(PgConnection& server) const;

  Result<bool> exists(PgConnection& server) const;
  // Drops the slot if it is there. False: somebody uses it at the moment.
  Result<bool> drop(PgConnection& server) const;
  Status drop_publication(PgConnection& server) const;

  enum class State : std::uint8_t { kReady, kInUse };
  // Whether changes from `from` on can be had. Errors: kUsage if they are gone.
  Result<State> state(PgConnection& server, Lsn from) const;

  // For a replication connection.
  std::string create_command() const;
  std::string start_command(Lsn from) const;

 private:
  Status check_publication(PgConnection& server) const;

  std::string name_;
  std::string publication_;
  bool own_publication_;
  std::vector<std::string> tables_;
};

// Ends connections under this name but our own: those of processes that are gone, of which the server does not
// know yet.
Status end_connections(PgConnection& server, const std::string& application);

}  // namespace stream
