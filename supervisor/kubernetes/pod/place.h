// Beside the supervisor: makes the Pod of a host, and is the supervisor's connection to the agent in it.
#pragma once

#include "supervisor/kubernetes/pod/pod_object.h"

namespace stream::kubernetes {

// Carries standard input and output to the agent and back, until either ends; then deletes the Pod. Errors: whatever
// keeps the Pod from running, as the cluster has told; kSystem.
Status place(PodWish wish);

}  // namespace stream::kubernetes
