// Where a person is in `stream top`, and what a key does there. No terminal, no sockets: samples of the jobs
// come in by take(), keys by press(), and top_picture.h draws it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "cli/top/job_load.h"
#include "cli/top/top_table.h"

namespace stream {

enum class Page : std::uint8_t { kJobs, kStages, kInstances, kCheckpoints, kEvents, kLogs, kHelp };

struct CheckpointPart {
  std::string instance;
  Microseconds delay_us = 0, alignment_us = 0, sync_us = 0, async_us = 0;
  std::uint64_t rows = 0, bytes = 0;
};

struct CheckpointLine {
  std::uint64_t epoch = 0;
  std::string status;
  Microseconds triggered_us = 0;
  Microseconds duration_us = 0;
  std::uint64_t bytes = 0;
  std::vector<CheckpointPart> parts;
};

struct EventLine {
  Microseconds at_us = 0;
  std::string kind;
  std::string text;
};

// What a page below a job needs beside the loads.
struct Details {
  std::string job;
  Page page = Page::kJobs;
  std::vector<CheckpointLine> checkpoints;  // newest first
  std::vector<EventLine> events;            // newest first
  std::vector<Span> logs;                   // newest last
};

struct Sample {
  Microseconds at_us = 0;
  std::vector<JobLoad> jobs;
  Details details;
};

enum class KeyKind : std::uint8_t { kUp, kDown, kPageUp, kPageDown, kHome, kEnd, kEnter, kBack, kCharacter };
struct Key {
  KeyKind kind = KeyKind::kCharacter;
  char character = 0;
};

// What is to be done outside: `stream` with these words, one after the other until one fails. `title`: "stop web".
struct Order {
  std::string title;
  std::vector<std::vector<std::string>> commands;
};

struct Pressed {
  bool leave = false;
  std::vector<Order> orders;  // one at most
};

class TopState {
 public:
  // Begins at the page of this job, or with "" at the list of all.
  explicit TopState(const std::string& job);

  void take(Sample sample);
  Pressed press(Key key);
  void say(std::string message, Style style = Style::kPlain);
  // How many lines of a table the screen has room for; for scrolling by pages.
  void set_room(std::size_t lines) { room_ = lines; }

  // Whose details the next sample should hold.
  Page page() const { return page_; }
  const std::string& job() const { return job_; }
  const std::string& stage() const { return stage_; }

  const Sample& sample() const { return sample_; }
  bool sampled() const { return sample_.at_us != 0; }
  const JobLoad* shown_job() const;
  const Details& details() const { return sample_.details; }
  bool details_known() const { return sample_.details.job == job_ && sample_.details.page == page_; }

  // Jobs, stages or instances in the order that is asked for.
  std::vector<const JobLoad*> jobs() const;
  std::vector<const StageLoad*> stages() const;
  std::vector<const InstanceLoad*> instances() const;
  std::vector<double> history(const std::string& job, const std::string& stage = {}, int instance = -1) const;

  std::size_t selected() const { return selected_; }
  std::size_t first_shown() const;  // of the rows, so that the selected one is among them
  const std::string& sort_column() const;
  bool descending() const { return descending_; }
  bool with_ended() const { return with_ended_; }
  const Span& message() const { return message_; }
  const std::string& question() const { return question_; }

 private:
  std::size_t rows() const;
  void enter();
  void back();
  void go(Page page);
  Pressed ask(std::string question, Order order);
  Pressed press_character(char character);
  Pressed order(char character);
  std::string order_job() const;  // whom an order would concern; "" nobody
  void remember();
  void keep_selection();
  std::string selected_name() const;

  Sample sample_;
  Page page_ = Page::kJobs;
  Page before_help_ = Page::kJobs;
  std::string job_;
  std::string stage_;
  std::size_t selected_ = 0;
  std::string selected_name_;  // stays selected while others come and go
  std::size_t room_ = 20;
  std::size_t sort_ = 0;
  bool descending_ = true;
  bool with_ended_ = true;
  Span message_;
  std::string question_;
  Order pending_;
  std::map<std::string, std::deque<double>> history_;
};

// The columns that rows can be in order of; see sort_column().
inline constexpr const char* kSortColumns[] = {"", "IN/s", "OUT/s", "BUSY", "FULL", "LAG", "STATE", "MEMORY"};

}  // namespace stream
