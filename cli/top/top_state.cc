#include "cli/top/top_state.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace stream {
namespace {

constexpr std::size_t kRemembered = 120;  // samples

double sort_value(const Load& load, std::size_t column) {
  constexpr double Load::*kFields[] = {nullptr,     &Load::records_in, &Load::records_out, &Load::busy,
                                       &Load::full, nullptr,           &Load::state,       &Load::memory};
  static_assert(std::size(kFields) == std::size(kSortColumns));
  if (kFields[column] != nullptr) return load.*kFields[column];
  return load.lag ? static_cast<double>(*load.lag) : -1;
}

std::string history_key(const std::string& job, const std::string& stage, int instance) {
  return job + '\n' + stage + '\n' + (instance < 0 ? "" : std::to_string(instance));
}

// What passes: into a sink, out of all others.
double flow(const StageLoad& stage, const Load& load) {
  return stage.role == "sink" ? load.records_in : load.records_out;
}

const std::string& name_of(const JobLoad* job) { return job->name; }
const std::string& name_of(const StageLoad* stage) { return stage->name; }
std::string name_of(const InstanceLoad* instance) { return std::to_string(instance->instance); }

template <class T>
std::string name_at(const std::vector<const T*>& rows, std::size_t at) {
  return at < rows.size() ? name_of(rows[at]) : "";
}

template <class T>
std::size_t place_of(const std::vector<const T*>& rows, const std::string& name) {
  const auto at = std::ranges::find_if(rows, [&](const T* row) { return name_of(row) == name; });
  return static_cast<std::size_t>(at - rows.begin());
}

template <class T>
void sort_rows(std::vector<const T*>& rows, std::size_t column, bool descending) {
  if (column == 0) return;
  std::ranges::stable_sort(rows, [&](const T* a, const T* b) {
    const double left = sort_value(a->load, column);
    const double right = sort_value(b->load, column);
    return descending ? left > right : left < right;
  });
}

template <class T>
std::vector<const T*> pointers(const std::vector<T>& rows) {
  std::vector<const T*> out;
  for (const T& row : rows) out.push_back(&row);
  return out;
}

}  // namespace

TopState::TopState(const std::string& job) : page_(job.empty() ? Page::kJobs : Page::kStages), job_(job) {}

void TopState::take(Sample sample) {
  const bool at_end = !details_known() || selected_ + 1 >= rows();
  sample_ = std::move(sample);
  remember();
  keep_selection();
  if (page_ == Page::kLogs && at_end) selected_ = std::max<std::size_t>(rows(), 1) - 1;  // as they come
}

void TopState::remember() {
  std::map<std::string, std::deque<double>> kept;  // of those that are gone nothing is remembered
  const auto add = [&](const std::string& key, double value) {
    std::deque<double>& values = kept[key] = std::move(history_[key]);
    values.push_back(value);
    if (values.size() > kRemembered) values.pop_front();
  };
  for (const JobLoad& job : sample_.jobs) {
    add(history_key(job.name, "", -1), job.load.records_in);
    for (const StageLoad& stage : job.stages) {
      add(history_key(job.name, stage.name, -1), flow(stage, stage.load));
      for (const InstanceLoad& i : stage.instances)
        add(history_key(job.name, stage.name, i.instance), flow(stage, i.load));
    }
  }
  history_ = std::move(kept);
}

std::vector<double> TopState::history(const std::string& job, const std::string& stage, int instance) const {
  const auto at = history_.find(history_key(job, stage, instance));
  return at == history_.end() ? std::vector<double>() : std::vector<double>(at->second.begin(), at->second.end());
}

const JobLoad* TopState::shown_job() const {
  const auto at = std::ranges::find(sample_.jobs, job_, &JobLoad::name);
  return at == sample_.jobs.end() ? nullptr : &*at;
}

std::vector<const JobLoad*> TopState::jobs() const {
  std::vector<const JobLoad*> rows = pointers(sample_.jobs);
  if (!with_ended_) std::erase_if(rows, [](const JobLoad* job) { return !job->running; });
  sort_rows(rows, sort_, descending_);
  // Not that of std::ranges, which clang 14 cannot compile.
  std::stable_partition(rows.begin(), rows.end(), [](const JobLoad* job) { return job->running; });
  return rows;
}

std::vector<const StageLoad*> TopState::stages() const {
  const JobLoad* job = shown_job();
  if (job == nullptr) return {};
  std::vector<const StageLoad*> rows = pointers(job->stages);
  sort_rows(rows, sort_, descending_);
  return rows;
}

std::vector<const InstanceLoad*> TopState::instances() const {
  const JobLoad* job = shown_job();
  const StageLoad* stage = job == nullptr ? nullptr : job->stage(stage_);
  if (stage == nullptr) return {};
  std::vector<const InstanceLoad*> rows = pointers(stage->instances);
  sort_rows(rows, sort_, descending_);
  return rows;
}

std::size_t TopState::rows() const {
  switch (page_) {
    case Page::kJobs: return jobs().size();
    case Page::kStages: return stages().size();
    case Page::kInstances: return instances().size();
    case Page::kCheckpoints: return details_known() ? details().checkpoints.size() : 0;
    case Page::kEvents: return details_known() ? details().events.size() : 0;
    case Page::kLogs: return details_known() ? details().logs.size() : 0;
    case Page::kHelp: return 0;
  }
  return 0;
}

std::string TopState::selected_name() const {
  if (page_ == Page::kJobs) return name_at(jobs(), selected_);
  if (page_ == Page::kStages) return name_at(stages(), selected_);
  if (page_ == Page::kInstances) return name_at(instances(), selected_);
  return "";
}

void TopState::keep_selection() {
  const std::size_t most = rows();
  std::size_t place = most;
  if (page_ == Page::kJobs) place = place_of(jobs(), selected_name_);
  if (page_ == Page::kStages) place = place_of(stages(), selected_name_);
  if (page_ == Page::kInstances) place = place_of(instances(), selected_name_);
  if (place < most) selected_ = place;
  selected_ = std::min(selected_, most == 0 ? 0 : most - 1);
  selected_name_ = selected_name();
}

std::size_t TopState::first_shown() const {
  const std::size_t most = rows();
  if (most <= room_) return 0;
  return std::min(selected_ < room_ ? 0 : selected_ - room_ + 1, most - room_);
}

const std::string& TopState::sort_column() const {
  static const std::array<std::string, std::size(kSortColumns)> names = [] {
    std::array<std::string, std::size(kSortColumns)> out;
    std::ranges::copy(kSortColumns, out.begin());
    return out;
  }();
  return names[sort_];
}

void TopState::say(std::string message, Style style) { message_ = {std::move(message), style}; }

void TopState::go(Page page) {
  if (page == Page::kHelp && page_ != Page::kHelp) before_help_ = page_;
  page_ = page;
  selected_ = 0;
  selected_name_ = page == Page::kStages ? stage_ : page == Page::kJobs ? job_ : "";
  message_ = {};
  keep_selection();
}

void TopState::enter() {
  if (page_ == Page::kJobs && !selected_name_.empty()) {
    job_ = selected_name_;
    stage_.clear();
    return go(Page::kStages);
  }
  if (page_ == Page::kStages && !selected_name_.empty()) {
    stage_ = selected_name_;
    return go(Page::kInstances);
  }
}

void TopState::back() {
  if (page_ == Page::kHelp) return go(before_help_);
  if (page_ == Page::kJobs) return;
  if (page_ == Page::kStages) return go(Page::kJobs);
  const bool of_stage = page_ != Page::kInstances && !stage_.empty();
  go(of_stage ? Page::kInstances : Page::kStages);
  if (!of_stage) stage_.clear();
}

Pressed TopState::press(Key key) {
  message_ = {};  // has been read
  if (!question_.empty()) {
    question_.clear();
    Order order = std::exchange(pending_, {});
    if (key.character != 'y' && key.character != 'Y') return {};
    return {.leave = false, .orders = {std::move(order)}};
  }
  const std::size_t most = rows();
  const std::size_t last = most == 0 ? 0 : most - 1;
  switch (key.kind) {
    case KeyKind::kCharacter: return press_character(key.character);
    case KeyKind::kEnter: enter(); return {};
    case KeyKind::kBack: back(); return {};
    case KeyKind::kUp: selected_ -= std::min<std::size_t>(selected_, 1); break;
    case KeyKind::kDown: selected_ = std::min(selected_ + 1, last); break;
    case KeyKind::kPageUp: selected_ -= std::min(selected_, room_); break;
    case KeyKind::kPageDown: selected_ = std::min(selected_ + room_, last); break;
    case KeyKind::kHome: selected_ = 0; break;
    case KeyKind::kEnd: selected_ = last; break;
  }
  selected_name_ = selected_name();
  return {};
}

Pressed TopState::press_character(char character) {
  const auto move = [&](KeyKind kind) { return press({kind, 0}); };
  const std::size_t columns = std::size(kSortColumns);
  switch (character) {
    case 'q': return {.leave = true, .orders = {}};
    case 'k': return move(KeyKind::kUp);
    case 'j': return move(KeyKind::kDown);
    case 'g': return move(KeyKind::kHome);
    case 'G': return move(KeyKind::kEnd);
    case '?':
    case 'h': go(Page::kHelp); return {};
    case '>': sort_ = (sort_ + 1) % columns; break;
    case '<': sort_ = (sort_ + columns - 1) % columns; break;
    case 'o': descending_ = !descending_; break;
    case 'a': with_ended_ = !with_ended_; break;
    case 'c':
    case 'e':
    case 'l': {
      if (page_ == Page::kJobs) enter();
      if (page_ == Page::kJobs) return {};
      go(character == 'c' ? Page::kCheckpoints : character == 'e' ? Page::kEvents : Page::kLogs);
      return {};
    }
    default: return order(character);
  }
  keep_selection();
  return {};
}

std::string TopState::order_job() const { return page_ == Page::kJobs ? selected_name_ : job_; }

Pressed TopState::order(char character) {
  const std::string job = order_job();
  const auto at = std::ranges::find(sample_.jobs, job, &JobLoad::name);
  if (at == sample_.jobs.end()) return {};
  switch (character) {
    case 's': return {.leave = false, .orders = {{"savepoint " + job, {{"savepoint", job}}}}};
    case 'x':
      if (!at->running) break;
      return ask("Stop " + job + " with a savepoint?", {"stop " + job, {{"stop", job}}});
    case 'r':
      if (!at->running) return {.leave = false, .orders = {{"resume " + job, {{"resume", job}}}}};
      return ask("Restart " + job + ", from a savepoint?", {"restart " + job, {{"stop", job}, {"resume", job}}});
    default: return {};
  }
  say(job + " does not run", Style::kWarning);
  return {};
}

Pressed TopState::ask(std::string question, Order order) {
  question_ = std::move(question);
  pending_ = std::move(order);
  return {};
}

}  // namespace stream
