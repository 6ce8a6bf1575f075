// The streams of this user's jobs.
#pragma once

#include <memory>

#include "supervisor/http/downloads.h"
#include "supervisor/http/feed.h"
#include "supervisor/http/tap_reader.h"

namespace stream::http {

class LiveStreams final : public Streams {
 public:
  // Errors: kSystem.
  static Result<std::unique_ptr<LiveStreams>> open(Jobs& jobs, Permissions permissions) {
    STREAM_ASSIGN(std::unique_ptr<Pipes> pipes, Pipes::open());
    return std::unique_ptr<LiveStreams>(new LiveStreams(jobs, std::move(permissions), std::move(pipes)));
  }

  Result<TakeOver> listen(StreamWish wish) override { return feed_.listen(std::move(wish)); }
  Result<TakeOver> tap(const std::string& job, const TapWish& wish) override { return taps_.open(job, wish); }
  Result<TakeOver> download(const SavepointWish& wish) override { return downloads_.begin(wish); }

 private:
  LiveStreams(Jobs& jobs, Permissions permissions, std::unique_ptr<Pipes> pipes)
      : pipes_(std::move(pipes)), feed_(jobs, *pipes_), taps_(*pipes_), downloads_(std::move(permissions)) {}

  std::unique_ptr<Pipes> pipes_;  // first: the others put into it
  Feed feed_;
  TapReader taps_;
  Downloads downloads_;
};

}  // namespace stream::http
