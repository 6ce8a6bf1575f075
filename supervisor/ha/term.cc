#include "supervisor/ha/term.h"

#include <nlohmann/json.hpp>

namespace stream::ha {

using nlohmann::json;

std::string to_text(const Term& term) {
  const Candidate& leader = term.leader;
  json out = {{"format", 1},
              {"term", term.number},
              {"lease_us", term.lease_us},
              {"leader",
               {{"id", leader.id},
                {"host", leader.host},
                {"pid", leader.pid},
                {"folder", leader.folder},
                {"http", leader.http},
                {"addresses", leader.addresses}}},
              {"job_id", term.job_id},
              {"run", term.run},
              {"published", term.published},
              {"reserved", term.reserved}};
  if (!term.deployment.empty()) out["deployment"] = term.deployment;
  if (term.ended)
    out["ended"] = {{"state", term.ended->state}, {"reason", term.ended->reason}, {"at_us", term.ended->at_us}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Term> term_of(const std::string& text) {
  Term term;
  if (text.empty()) return term;
  try {
    const json in = json::parse(text);
    if (in.at("format") != 1)
      return corrupt("a later version of stream has written it: format " + in.at("format").dump());
    term.number = in.at("term");
    const json& leader = in.at("leader");
    term.leader = {leader.at("id"),     leader.at("host"), leader.at("pid"),
                   leader.at("folder"), leader.at("http"), leader.value("addresses", std::vector<std::string>())};
    term.lease_us = in.at("lease_us");
    term.job_id = in.value("job_id", "");
    term.deployment = in.value("deployment", "");
    term.run = in.at("run");
    term.published = in.at("published");
    term.reserved = in.at("reserved");
    if (in.contains("ended")) {
      const json& ended = in["ended"];
      term.ended = Ended{ended.at("state"), ended.at("reason"), ended.at("at_us")};
    }
  } catch (const json::exception& error) {
    return corrupt(std::string("what is known of the leader is damaged: ") + error.what());
  }
  return term;
}

}  // namespace stream::ha
