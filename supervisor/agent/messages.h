// What a supervisor and its agent on another host say to each other: a line of JSON each.
//
//   supervisor -> agent   hello, start, signal, ping
//   agent -> supervisor   hello, started, said, ended, pong, leaving, failed
//
// The agent ends, and all it has started with it, when its input ends or it has heard nothing for `silence_us`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "supervisor/stage_process.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr int kAgentProtocol = 1;

struct AgentMessage {
  std::string type;
  std::uint64_t id = 0;  // of the instance
  // hello, to the agent
  std::string job = {};
  std::string place = {};   // a name for its folders, of this job and host alone
  std::string folder = {};  // where they are; "" = below the state folder of the user
  Microseconds silence_us = 0;
  // start
  std::string program = {};
  std::string control = {};  // of --control
  std::string secret = {};   // what the process finds in its input
  // hello, from the agent
  std::string sockets = {};
  std::string address = {};  // of its host, as whoever connected to it has called it
  std::string reaches = {};  // the supervisor's host, as seen from there
  std::string node = {};     // of Slurm, that it is on
  // said, failed: a line; leaving: why; ended: why it could not be started
  std::string text = {};
  std::int64_t number = 0;  // signal: which; started: the pid
  ProcessExit exit = {};    // ended
};

std::string to_json(const AgentMessage& message);
// Errors: kCorrupt; kFailed for another protocol or version of the programs, with what to do.
Result<AgentMessage> agent_message_from_json(std::string_view text);

}  // namespace stream
