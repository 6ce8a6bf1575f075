// RunLoop: neighbours are replaced while it runs.
#include <algorithm>

#include "stages/kit/run_loop.h"

namespace stream {

void RunLoop::hold_at(Epoch epoch, std::vector<std::uint32_t> channels, bool all) {
  hold_ = Hold{epoch, std::move(channels), all};
}

void RunLoop::begin_hold(Epoch epoch) {
  if (!hold_ || epoch < hold_->epoch) return;
  const Hold hold = *std::exchange(hold_, std::nullopt);
  if (epoch != hold.epoch) return;  // that checkpoint was given up, and this one is like any other
  outputs_.hold(hold.channels);
  standing_ = hold.all;
}

void RunLoop::release() {
  hold_.reset();
  standing_ = false;
  outputs_.release();
}

Status RunLoop::replace_inputs(std::vector<InputPlace> places) {
  if (aligner_ && aligner_->aligning()) return corrupt("control: 'rewire' while barriers are being aligned");
  std::vector<Receiver> inputs;
  std::vector<std::optional<std::size_t>> kept;
  std::vector<bool> open;
  std::vector<bool> ended;
  config_.input_of.clear();
  for (InputPlace& place : places) {
    inputs.push_back(place.kept ? std::move(inputs_[*place.kept]) : std::move(*place.fresh));
    kept.push_back(place.kept);
    open.push_back(place.kept && channel_open_[*place.kept]);
    ended.push_back(place.kept && channel_ended_[*place.kept]);
    config_.input_of.push_back(place.input);
  }
  for (auto& [channel, bytes] : unsettled_) {
    const auto at = channel ? std::ranges::find(kept, channel) : kept.end();
    channel = at == kept.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - kept.begin()));
  }
  inputs_ = std::move(inputs);
  channel_open_ = std::move(open);
  channel_ended_ = std::move(ended);
  open_channels_ = static_cast<std::size_t>(std::ranges::count(channel_open_, true));
  ended_channels_ = static_cast<std::size_t>(std::ranges::count(channel_ended_, true));
  next_channel_ = 0;
  feeding_channel_ = 0;
  if (aligner_) aligner_->replace(inputs_.size());
  merger_.replace(kept);
  if (own_time_) own_time_->replace(kept, clock_.monotonic_us());
  return {};
}

}  // namespace stream
