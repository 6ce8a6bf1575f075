// `autoscale` of a manifest, and the number of instances of its stages.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "supervisor/autoscale/settings.h"
#include "supervisor/document.h"
#include "supervisor/manifest_keys.h"

namespace stream {

struct PipelineSpec;
struct StageSpec;

inline constexpr ManifestKey kAutoscaleKeys[] = {
    {.name = "mode",
     .doc = "off: as many instances as there is room for, within their bounds; advice: events say what would be right; "
            "on: it is done.",
     .kind = KeyShape::kChoice,
     .fallback = "off",
     .choices = "off|advice|on"},
    {.name = "interval",
     .doc = "Time between two looks at what the job does, at least 100ms.",
     .kind = KeyShape::kDuration,
     .fallback = "1s"},
    {.name = "metrics-window",
     .doc = "Time over which numbers are taken; there is no decision before it is full.",
     .kind = KeyShape::kDuration,
     .fallback = "30s"},
    {.name = "stabilization-interval",
     .doc = "Time behind a start or a change whose numbers do not count.",
     .kind = KeyShape::kDuration,
     .fallback = "10s"},
    {.name = "target-utilization",
     .doc = "Share of its time that an instance should be busy.",
     .kind = KeyShape::kNumber,
     .fallback = "0.7",
     .most = 1},
    {.name = "target-utilization-boundary",
     .doc = "How far it may be off to either side before something is changed.",
     .kind = KeyShape::kNumber,
     .fallback = "0.3",
     .most = 1},
    {.name = "catch-up-duration",
     .doc = "Time in which what waits to be read should be worked off.",
     .kind = KeyShape::kDuration,
     .fallback = "5m"},
    {.name = "restart-time",
     .doc = "Time in which nothing is done while instances are replaced; what piles up then counts too.",
     .kind = KeyShape::kDuration,
     .fallback = "1s"},
    {.name = "scale-up-grace-period",
     .doc = "Time in which no instance is taken away from a stage that got some.",
     .kind = KeyShape::kDuration,
     .fallback = "5m"},
    {.name = "scale-down-interval",
     .doc = "Time for which fewer must have been enough before some are taken away.",
     .kind = KeyShape::kDuration,
     .fallback = "1m"},
    {.name = "scale-up-max-factor",
     .doc = "How many may be added at once, as a share of those there are: 1 doubles them.",
     .kind = KeyShape::kNumber,
     .fallback = "3"},
    {.name = "scale-down-max-factor",
     .doc = "Share of the instances that may be taken away at once.",
     .kind = KeyShape::kNumber,
     .fallback = "0.6",
     .most = 1},
    {.name = "effectiveness-threshold",
     .doc = "Share of the expected gain that the last instances must have brought before more are added; 0: any.",
     .kind = KeyShape::kNumber,
     .fallback = "0.1",
     .most = 1},
    {.name = "excluded-periods",
     .doc = "Times (UTC) in which nothing is changed, such as 09:00-17:30 or mon-fri 22:00-06:00.",
     .kind = KeyShape::kTexts},
};

inline constexpr ManifestKey kBoundsKeys[] = {
    {.name = "min",
     .doc = "At least so many instances.",
     .kind = KeyShape::kCount,
     .fallback = "1",
     .least = 1,
     .most = 1024},
    {.name = "max", .doc = "At most so many.", .kind = KeyShape::kCount, .least = 1, .most = 1024, .required = true},
};

autoscale::Settings read_autoscale(const Node& node, Problems& problems);
nlohmann::ordered_json autoscale_to_json(const autoscale::Settings& settings);  // as keys of a manifest
// Of what that has written; throws as nlohmann::json.
autoscale::Settings autoscale_from_json(const nlohmann::ordered_json& json);

// `parallelism` of a stage: a number, or bounds.
void read_parallelism(const Node& stage, StageSpec& spec, Problems& problems);
// A mode that acts wants a stage with bounds.
void check_autoscale(const Node& root, const PipelineSpec& pipeline, Problems& problems);

}  // namespace stream
