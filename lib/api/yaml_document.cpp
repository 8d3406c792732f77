#include "turnkeeper/api/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <optional>
#include <regex>
#include <sstream>
#include <vector>

namespace turnkeeper::api {
namespace {

using nlohmann::json;

// An alias repeats what it points to, so a short file can stand for a huge document.
constexpr std::size_t max_nodes = 50'000;
// Empty documents are skipped. On some malformed files yaml-cpp 0.7 finds empty documents without end.
constexpr int max_documents = 64;

struct TooLarge {};

Place place_of(const YAML::Mark& mark) {
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    if (text == word) return true;
  }
  return false;
}

json plain_scalar(const std::string& text) {
  if (is_one_of(text, {"true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"})) return false;
  static const std::regex integer("[-+]?(0|[1-9][0-9]{0,17})");
  static const std::regex real("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  if (text.size() > 32) return text;
  if (std::regex_match(text, integer)) return std::stoll(text);
  if (std::regex_match(text, real)) return std::strtod(text.c_str(), nullptr);
  return text;
}

// Builds one document's JSON from yaml-cpp's events, which carry the place of everything, keys included.
class Builder final : public YAML::EventHandler {
 public:
  Builder() { document_.value = nullptr; }
  [[nodiscard]] YamlDocument take() { return std::move(document_); }
  [[nodiscard]] bool empty() const { return document_.value.is_null(); }
  [[nodiscard]] Place place() const { return document_.places.value(""); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(nullptr, mark, anchor, ""); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    add(tag == "?" || tag.empty() ? plain_scalar(text) : json(text), mark, anchor, text);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return add(nullptr, mark, YAML::NullAnchor, "");
    count(found->second.nodes);
    const auto& value = found->second.value;
    add(value, mark, YAML::NullAnchor, value.is_string() ? value.get<std::string>() : "");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(json::array(), mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(json::object(), mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Container {
    json value;
    std::string path;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::size_t nodes_before;
    std::optional<std::string> key;  // of a map: its value comes next
    Place key_place;
  };
  struct Anchor {
    json value;
    std::size_t nodes;
  };

  void count(std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > max_nodes) throw TooLarge{};
  }

  // Of what comes next.
  [[nodiscard]] std::string next_path() const {
    if (open_.empty()) return "";
    const auto& parent = open_.back();
    if (parent.value.is_array()) return parent.path + '[' + std::to_string(parent.value.size()) + ']';
    return parent.path.empty() ? parent.key.value_or("") : parent.path + '.' + parent.key.value_or("");
  }

  void open(json container, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(1);
    open_.push_back({std::move(container), next_path(), mark, anchor, nodes_, std::nullopt, {}});
  }

  void close() {
    auto container = std::move(open_.back());
    open_.pop_back();
    if (container.anchor != YAML::NullAnchor) {
      anchors_[container.anchor] = {container.value, nodes_ - container.nodes_before};
    }
    place_value(std::move(container.value), container.mark, "");
  }

  void add(json value, const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& text) {
    count(1);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {value, 1};
    place_value(std::move(value), mark, text);
  }

  // `text`: what the value reads as when it is a key; empty when it cannot be one.
  void place_value(json value, const YAML::Mark& mark, const std::string& text) {
    const auto path = next_path();
    if (open_.empty()) {
      document_.places.values[path] = place_of(mark);
      document_.value = std::move(value);
      return;
    }
    auto& parent = open_.back();
    if (parent.value.is_array()) {
      document_.places.values[path] = place_of(mark);
      parent.value.push_back(std::move(value));
    } else if (!parent.key) {
      parent.key = text;
      parent.key_place = place_of(mark);
      if (text.empty()) report(parent.path, "a field's name must be a text", "", parent.key_place);
    } else {
      add_field(parent, path, std::move(value), mark);
      parent.key.reset();
    }
  }

  void add_field(Container& parent, const std::string& path, json value, const YAML::Mark& mark) {
    if (parent.key->empty()) return;
    if (parent.value.contains(*parent.key)) {
      report(path, "is given twice, first in line " + std::to_string(document_.places.keys[path].line),
             "keep one of the two", parent.key_place);
      return;
    }
    document_.places.keys[path] = parent.key_place;
    document_.places.values[path] = place_of(mark);
    parent.value.emplace(*parent.key, std::move(value));
  }

  void report(std::string field, std::string message, std::string advice, Place place) {
    document_.problems.push_back({std::move(field), std::move(message), std::move(advice), place.line, place.column});
  }

  YamlDocument document_;
  std::vector<Container> open_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  std::size_t nodes_ = 0;
};

}  // namespace

Place Places::value(std::string_view field) const {
  while (true) {
    if (const auto found = values.find(field); found != values.end()) return found->second;
    if (field.empty()) return {};
    const auto end = field.find_last_of(".[");
    field = end == std::string_view::npos ? std::string_view() : field.substr(0, end);
  }
}

tl::expected<YamlDocument, Problem> read_yaml(std::string_view text) {
  const auto refuse = [](std::string message, std::string advice, Place place = {}) {
    return tl::unexpected(Problem{"", std::move(message), std::move(advice), place.line, place.column});
  };
  try {
    (void)json(text).dump();  // throws unless it is UTF-8
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    std::optional<YamlDocument> found;
    for (int i = 0; i < max_documents; ++i) {
      Builder builder;
      if (!parser.HandleNextDocument(builder)) break;
      if (builder.empty()) continue;
      if (found) return refuse("holds more than one document", "write one TurnCluster to a file", builder.place());
      found = builder.take();
    }
    if (!found) return refuse("the file is empty", "start from examples/local.yaml", {1, 1});
    return std::move(*found);
  } catch (const json::exception&) {
    return refuse("is not UTF-8", "save it as UTF-8");
  } catch (const TooLarge&) {
    return refuse("is too large", "write less, with fewer aliases");
  } catch (const YAML::Exception& error) {
    return refuse("is not valid YAML: " + error.msg, "check the indentation, the colons and the quotes there",
                  place_of(error.mark));
  }
}

}  // namespace turnkeeper::api
