// The passes of planning, in the order make_plan() calls them.
#pragma once

#include "supervisor/plan.h"

namespace stream {

// Sets plan.order; of stages that are free to come, the one higher in the document first.
void plan_order(JobPlan& plan, Problems& problems);

// Forward: asks every stage whose inputs are known; sets answers, full schemas and edges.
void plan_schemas(JobPlan& plan, Catalogue& catalogue, StageAsker& asker, Problems& problems);

// Asks a stage whose inputs are known, again if need be. False if its answer is no use; the reason is a problem.
bool ask_stage(JobPlan& plan, std::size_t at, Catalogue& catalogue, StageAsker& asker, Problems& problems);

// Puts combining stages in front of those that can do with partial rows, where that saves a hop between several
// instances.
void plan_combining(JobPlan& plan, Catalogue& catalogue, StageAsker& asker, Problems& problems);

// How each edge is spread; refuses what would bring changes of one row into disorder.
void plan_partitions(JobPlan& plan, Problems& problems);

// Backward: prunes outputs, edges and inputs to the columns that are needed. The time column and
// the unique key are always kept.
void plan_columns(JobPlan& plan);

// Backward: streams of changes whose update-before rows nobody reads become upserts, so that those are not made.
void plan_upserts(JobPlan& plan);

// Moves conditions of filter stages to the edges that lead to them.
void plan_filters(JobPlan& plan);

// Names in the `evolve:` block that are those of now.
void check_evolve(const JobPlan& plan, Problems& problems);
// Refuses more sockets or less memory an instance than there can be.
void check_limits(const JobPlan& plan, const PlanLimits& limits, Problems& problems);

}  // namespace stream
