#include "turnkeeper/kube/packing.hpp"

#include "turnkeeper/kube/json_text.hpp"
#include "turnkeeper/kube/json_walker.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

constexpr const char* managed_fields = "managedFields";

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A member, with the comma that goes with it.
Span with_comma(const std::string& text, Span member) {
  constexpr const char* space = " \n\t\r";
  const auto next = text.find_first_not_of(space, member.end);
  if (next != std::string::npos && text[next] == ',') return {member.begin, next + 1};
  const auto previous = text.find_last_not_of(space, member.begin - 1);
  if (previous != std::string::npos && text[previous] == ',') return {previous, member.end};
  return member;
}

// What an object says of itself.
class ObjectReader {
 public:
  ObjectReader(JsonWalker& walker, const std::string& label, Packed& packed)
      : walker_(walker), label_(label), packed_(packed) {}

  bool read() {
    return walker_.members([this](const std::string& name, std::size_t) {
      return name == "metadata" && walker_.looks_at('{') ? metadata() : walker_.skip();
    });
  }
  // Where managedFields are; it ends at 0 when there are none.
  [[nodiscard]] Span managed() const { return managed_; }

 private:
  bool metadata() {
    return walker_.members([this](const std::string& name, std::size_t begin) {
      if (name == "name") return walker_.string_if_it_is(packed_.key.name);
      if (name == "namespace") return walker_.string_if_it_is(packed_.key.namespace_name);
      if (name == "uid") return walker_.string_if_it_is(packed_.uid);
      if (name == "resourceVersion") return walker_.string_if_it_is(packed_.version);
      if (name == "labels" && !label_.empty() && walker_.looks_at('{')) return labels();
      if (!walker_.skip()) return false;
      if (name == managed_fields) managed_ = {begin, walker_.at()};
      return true;
    });
  }
  bool labels() {
    return walker_.members([this](const std::string& name, std::size_t) {
      return name == label_ ? walker_.string_if_it_is(packed_.label) : walker_.skip();
    });
  }

  JsonWalker& walker_;
  const std::string& label_;
  Packed& packed_;
  Span managed_;
};

}  // namespace

Packed pack(json object, const std::string& label) {
  const auto metadata = object.find("metadata");
  Packed packed{
      .key = key_of(object), .uid = uid_of(object), .version = resource_version_of(object), .label = {}, .text = {}};
  if (metadata != object.end() && metadata->is_object()) {
    metadata->erase(managed_fields);
    const auto labels = metadata->find("labels");
    if (!label.empty() && labels != metadata->end() && labels->is_object()) packed.label = labels->value(label, "");
  }
  packed.text = json_text(object);
  return packed;
}

json unpack(const std::string& text) {
  return json::parse(text, nullptr, false);
}

std::optional<PackedEvent> pack_event(const std::string& line, const std::string& label) {
  PackedEvent event;
  JsonWalker walker(line);
  const bool whole = walker.members([&](const std::string& name, std::size_t) {
    if (name == "type") return walker.string_if_it_is(event.type);
    if (name != "object" || !walker.looks_at('{')) return walker.skip();
    const std::size_t begin = walker.at();
    ObjectReader reader(walker, label, event.object);
    if (!reader.read()) return false;
    const auto left_out = reader.managed().end == 0 ? Span{begin, begin} : with_comma(line, reader.managed());
    auto& text = event.object.text;
    text.reserve(walker.at() - begin);
    text.assign(line, begin, left_out.begin - begin);
    text.append(line, left_out.end, walker.at() - left_out.end);
    return true;
  });
  if (!whole || event.type.empty() || event.object.text.empty()) return std::nullopt;
  return event;
}

std::optional<Receipt> read_receipt(const std::string& text) {
  Receipt receipt;
  const auto is_complete = [&] { return !receipt.uid.empty() && !receipt.version.empty(); };
  JsonWalker walker(text);
  static_cast<void>(walker.members([&](const std::string& name, std::size_t) {
    if (name != "metadata" || !walker.looks_at('{')) return walker.skip();
    static_cast<void>(walker.members([&](const std::string& member, std::size_t) {
      if (member == "uid") return walker.string_if_it_is(receipt.uid);
      if (member == "resourceVersion") return walker.string_if_it_is(receipt.version);
      if (member == "generation") return walker.integer_if_it_is(receipt.generation);
      // The last of what metadata holds, or (in custom resources) in its alphabetical place.
      return !(member == managed_fields && is_complete()) && walker.skip();
    }));
    return false;
  }));
  if (!is_complete()) return std::nullopt;
  return receipt;
}

void Receipt::enter(json& object) const {
  auto& metadata = object["metadata"];
  if (!uid.empty()) metadata["uid"] = uid;
  if (!version.empty()) metadata["resourceVersion"] = version;
  if (generation != 0) metadata["generation"] = generation;
}

}  // namespace turnkeeper::kube
