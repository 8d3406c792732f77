#include "operator/controller/reconcile_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(ReconcileMetrics, HasTheNamesThatDashboardsKnow) {
  ReconcileMetrics metrics;
  metrics.reconciled(ReconcileMetrics::Result::success, 20ms);
  metrics.reconciled(ReconcileMetrics::Result::error, 20ms);
  metrics.requested(429, "PATCH", "10.0.0.1:6443");
  metrics.requested(0, "GET", "10.0.0.1:6443");
  metrics.added();
  metrics.started(1ms);
  metrics.finished(2ms);
  metrics.leading("turnkeeper-operator", true);
  const std::string text = metrics.text({.depth = 3, .in_work = {1s, 4s}});
  for (const char* line : {
           R"(controller_runtime_reconcile_total{controller="turncluster",result="success"} 1)",
           R"(controller_runtime_reconcile_total{controller="turncluster",result="requeue_after"} 0)",
           R"(controller_runtime_reconcile_errors_total{controller="turncluster"} 1)",
           R"(controller_runtime_reconcile_time_seconds_count{controller="turncluster"} 2)",
           R"(controller_runtime_max_concurrent_reconciles{controller="turncluster"} 1)",
           R"(workqueue_depth{controller="turncluster",name="turncluster"} 3)",
           R"(workqueue_adds_total{controller="turncluster",name="turncluster"} 1)",
           R"(workqueue_unfinished_work_seconds{controller="turncluster",name="turncluster"} 5)",
           R"(workqueue_longest_running_processor_seconds{controller="turncluster",name="turncluster"} 4)",
           R"(rest_client_requests_total{code="429",host="10.0.0.1:6443",method="PATCH"} 1)",
           R"(rest_client_requests_total{code="<error>",host="10.0.0.1:6443",method="GET"} 1)",
           R"(leader_election_master_status{name="turnkeeper-operator"} 1)",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace turnkeeper::op
