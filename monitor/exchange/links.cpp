#include "monitor/exchange/links.hpp"

#include <algorithm>
#include <utility>

namespace turnkeeper::monitor {

Link& Links::add(const StreamPtr& stream, SteadyTime now, std::string address) {
  auto& link = links_[stream.get()];
  link.stream = stream;
  link.began = now;
  link.address = std::move(address);
  return link;
}

Link* Links::find(const StreamPtr& stream) {
  const auto found = links_.find(stream.get());
  return found == links_.end() ? nullptr : &found->second;
}

std::optional<Link> Links::remove(const StreamPtr& stream) {
  auto node = links_.extract(stream.get());
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

bool Links::lead_to(const std::string& instance) const {
  return !instance.empty() && std::ranges::any_of(links_, [&](const auto& entry) {
    return entry.second.instance == instance && !entry.second.stream->is_ending();
  });
}

// Of two streams to the same monitor, the one that the smaller instance has dialled stays; of two in the same
// direction, the newest. Each end hangs up only what it has dialled, or what was replaced, so that never both go.
void Links::keep_one(const Link& newest) {
  for (auto& [stream, link] : links_) {
    if (&link == &newest || link.instance != newest.instance || link.stream->is_ending()) continue;
    const bool same_direction = link.stream->is_dialled() == newest.stream->is_dialled();
    if (same_direction) {
      link.stream->end(grpc::Status::CANCELLED);
    } else if (instance_ > newest.instance) {
      (link.stream->is_dialled() ? link : newest).stream->end(grpc::Status::CANCELLED);
    }
  }
}

void Links::replace_others(const Link& newest) {
  for (auto& [stream, link] : links_) {
    if (&link != &newest && link.vantage == newest.vantage) link.stream->end({grpc::StatusCode::ABORTED, "replaced"});
  }
}

void Links::end(const std::string& vantage, const grpc::Status& status) {
  for (auto& [stream, link] : links_) {
    if (link.vantage == vantage) link.stream->end(status);
  }
}

void Links::end_silent(SteadyTime now, SteadyTime::duration longest) {
  for (auto& [stream, link] : links_) {
    if (link.vantage.empty() && now - link.began > longest) {
      link.stream->end({grpc::StatusCode::DEADLINE_EXCEEDED, "no hello"});
    }
  }
}

}  // namespace turnkeeper::monitor
