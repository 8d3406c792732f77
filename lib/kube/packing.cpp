#include "turnkeeper/kube/packing.hpp"

#include <bit>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

constexpr const char* managed_fields = "managedFields";

// Empties the list that follows `"managedFields":`, so that the parser need not read it. Within a JSON text's strings
// every quote is escaped, so these characters are a member's name and nothing else.
void drop_managed_fields(std::string& text) {
  static const std::string opening = std::string("\"") + managed_fields + "\":[";
  const auto found = text.find(opening);
  if (found == std::string::npos) return;
  const std::size_t begin = found + opening.size();
  int open = 1;
  bool quoted = false;
  for (std::size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[') {
      ++open;
    } else if (c == ']' && --open == 0) {
      text.erase(begin, at - begin);
      return;
    }
  }
}

// Takes what nlohmann's parser finds, writes it as CBOR (RFC 8949, containers of indefinite length) and notes on the
// way what the object is.
class Packer {
 public:
  explicit Packer(const std::string& label) : label_(label) {}

  // The parser's side: false ends it.
  bool null() {
    return scalar([this] { put(0xF6); });
  }
  bool boolean(bool value) {
    return scalar([&] { put(value ? 0xF5 : 0xF4); });
  }
  bool number_integer(std::int64_t value) {
    return scalar([&] {
      if (value < 0) {
        head(0x20, static_cast<std::uint64_t>(-(value + 1)));
      } else {
        head(0x00, static_cast<std::uint64_t>(value));
      }
    });
  }
  bool number_unsigned(std::uint64_t value) {
    return scalar([&] { head(0x00, value); });
  }
  bool number_float(double value, const std::string& /*as_written*/) {
    return scalar([&] {
      put(0xFB);
      big_endian(std::bit_cast<std::uint64_t>(value), 8);
    });
  }
  bool string(std::string& value) {
    if (skipped_ == 0) note(value);
    return scalar([&] { text(value); });
  }
  bool binary(std::vector<std::uint8_t>& /*value*/) { return false; }
  bool start_object(std::size_t /*elements*/) { return open(0xBF); }
  bool start_array(std::size_t /*elements*/) { return open(0x9F); }
  bool end_array() { return close(); }
  bool end_object() {
    if (depth_ == top_ + 1) in_metadata_ = false;
    if (depth_ == top_ + 2) in_labels_ = false;
    return close();
  }
  bool key(std::string& name) {
    if (skipped_ != 0) return true;
    field_ = Field::none;
    if (depth_ < top_) {
      if (name == "type") field_ = Field::type;
      if (name != "object") skip_next_ = true;
      return true;
    }
    if (depth_ == top_) {
      in_metadata_ = name == "metadata";
    } else if (in_metadata_ && depth_ == top_ + 1) {
      if (name == managed_fields) {
        skip_next_ = true;
        return true;
      }
      field_ = name == "name"              ? Field::name
               : name == "namespace"       ? Field::namespace_name
               : name == "uid"             ? Field::uid
               : name == "resourceVersion" ? Field::version
                                           : Field::none;
      in_labels_ = name == "labels";
    } else if (in_labels_ && depth_ == top_ + 2 && name == label_) {
      field_ = Field::label;
    }
    text(name);
    return true;
  }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const json::exception& /*why*/) { return false; }

  [[nodiscard]] const std::string& type() const { return type_; }

  Packed packed;

 private:
  enum class Field { none, type, name, namespace_name, uid, version, label };

  [[nodiscard]] bool writing() const { return depth_ >= top_ && skipped_ == 0 && !skip_next_; }

  template <class Write>
  bool scalar(Write write) {
    if (writing()) write();
    if (skipped_ == 0) skip_next_ = false;
    return true;
  }
  bool open(int first) {
    ++depth_;
    if (skipped_ != 0) {
      ++skipped_;
    } else if (skip_next_) {
      skip_next_ = false;
      skipped_ = 1;
    } else if (depth_ >= top_) {
      put(first);
    }
    return true;
  }
  bool close() {
    if (skipped_ != 0) {
      --skipped_;
    } else if (depth_ >= top_) {
      put(0xFF);
    }
    --depth_;
    return true;
  }
  void note(const std::string& value) {
    switch (field_) {
      case Field::none:
        return;
      case Field::type:
        type_ = value;
        break;
      case Field::name:
        packed.key.name = value;
        break;
      case Field::namespace_name:
        packed.key.namespace_name = value;
        break;
      case Field::uid:
        packed.uid = value;
        break;
      case Field::version:
        packed.version = value;
        break;
      case Field::label:
        packed.label = value;
        break;
    }
    field_ = Field::none;
  }

  void put(int byte) { packed.cbor.push_back(static_cast<std::uint8_t>(byte)); }
  void big_endian(std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) put(static_cast<int>((value >> shift) & 0xFFU));
  }
  void head(int major, std::uint64_t value) {
    if (value < 24) {
      put(major | static_cast<int>(value));
    } else if (value <= 0xFF) {
      put(major | 24);
      big_endian(value, 1);
    } else if (value <= 0xFFFF) {
      put(major | 25);
      big_endian(value, 2);
    } else if (value <= 0xFFFFFFFF) {
      put(major | 26);
      big_endian(value, 4);
    } else {
      put(major | 27);
      big_endian(value, 8);
    }
  }
  void text(const std::string& value) {
    head(0x60, value.size());
    packed.cbor.insert(packed.cbor.end(), value.begin(), value.end());
  }

  const std::string& label_;
  static constexpr int top_ = 2;  // the depth of the object's own members
  std::string type_;
  int depth_ = 0;
  int skipped_ = 0;         // containers open in what is not taken
  bool skip_next_ = false;  // the next value is not taken
  bool in_metadata_ = false;
  bool in_labels_ = false;
  Field field_ = Field::none;
};

// As above, until it has found what it looks for.
class ReceiptReader {
 public:
  bool null() { return true; }
  bool boolean(bool /*value*/) { return true; }
  bool number_integer(std::int64_t /*value*/) { return true; }
  bool number_unsigned(std::uint64_t value) {
    if (at_generation_) receipt.generation = static_cast<std::int64_t>(value);
    return true;
  }
  bool number_float(double /*value*/, const std::string& /*as_written*/) { return true; }
  bool string(std::string& value) {
    if (into_ != nullptr) *into_ = std::move(value);
    into_ = nullptr;
    return true;
  }
  bool binary(std::vector<std::uint8_t>& /*value*/) { return false; }
  bool start_object(std::size_t /*elements*/) {
    ++depth_;
    return true;
  }
  bool end_object() {
    --depth_;
    return !(in_metadata_ && depth_ == 1);
  }
  bool start_array(std::size_t /*elements*/) { return true; }
  bool end_array() { return true; }
  bool key(std::string& name) {
    into_ = nullptr;
    at_generation_ = false;
    if (depth_ == 1) in_metadata_ = name == "metadata";
    if (depth_ != 2 || !in_metadata_) return true;
    at_generation_ = name == "generation";
    into_ = name == "uid" ? &receipt.uid : name == "resourceVersion" ? &receipt.version : nullptr;
    // The last of what metadata holds, or (in custom resources) in its alphabetical place.
    return !(name == managed_fields && is_complete());
  }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const json::exception& /*why*/) { return false; }

  [[nodiscard]] bool is_complete() const { return !receipt.uid.empty() && !receipt.version.empty(); }
  Receipt receipt;

 private:
  int depth_ = 0;
  bool in_metadata_ = false;
  bool at_generation_ = false;
  std::string* into_ = nullptr;
};

}  // namespace

Packed pack(json object, const std::string& label) {
  const auto metadata = object.find("metadata");
  Packed packed{
      .key = key_of(object), .uid = uid_of(object), .version = resource_version_of(object), .label = {}, .cbor = {}};
  if (metadata != object.end() && metadata->is_object()) {
    metadata->erase(managed_fields);
    const auto labels = metadata->find("labels");
    if (!label.empty() && labels != metadata->end() && labels->is_object()) packed.label = labels->value(label, "");
  }
  packed.cbor = json::to_cbor(object);
  return packed;
}

json unpack(const std::vector<std::uint8_t>& cbor) {
  return json::from_cbor(cbor);
}

std::optional<PackedEvent> pack_event(std::string line, const std::string& label) {
  drop_managed_fields(line);
  Packer packer(label);
  packer.packed.cbor.reserve(line.size());
  if (!json::sax_parse(line, &packer) || packer.type().empty()) return std::nullopt;
  if (packer.packed.cbor.empty() || packer.packed.cbor.front() != 0xBF) return std::nullopt;
  return PackedEvent{packer.type(), std::move(packer.packed)};
}

std::optional<Receipt> read_receipt(const std::string& text) {
  ReceiptReader reader;
  static_cast<void>(json::sax_parse(text, &reader));
  if (!reader.is_complete()) return std::nullopt;
  return std::move(reader.receipt);
}

void Receipt::enter(json& object) const {
  auto& metadata = object["metadata"];
  metadata["uid"] = uid;
  metadata["resourceVersion"] = version;
  if (generation != 0) metadata["generation"] = generation;
}

}  // namespace turnkeeper::kube
