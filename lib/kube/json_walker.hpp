// Walks over a JSON text without taking it in: of what is passed over, only the ends are found. Every step returns
// false where the text is no JSON as far as it was looked at. Pure.
//
//   JsonWalker walker(R"({"kind": "Pod", "metadata": {"name": "eu-0"}})");
//   std::string kind;
//   walker.members([&](const std::string& name, std::size_t) {
//     return name == "kind" ? walker.string_if_it_is(kind) : walker.skip();
//   });
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace turnkeeper::kube {

class JsonWalker {
 public:
  // `text` must outlive it.
  explicit JsonWalker(const std::string& text) : text_(text) {}

  // The next character to look at.
  [[nodiscard]] std::size_t at() const { return at_; }
  // After white space.
  [[nodiscard]] bool looks_at(char c);

  // The members of the object that begins here. `on_member(name, begin)`, where the member begins at `begin`, passes
  // over the value; returning false ends the walk.
  template <class OnMember>
  bool members(OnMember on_member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      static_cast<void>(looks_at('"'));
      const std::size_t begin = at_;
      std::string name;
      if (!string(name) || !take(':')) return false;
      if (!on_member(name, begin)) return false;
    } while (take(','));
    return take('}');
  }
  // Any value.
  bool skip();
  // The value when it is one; another kind of value is passed over.
  bool string_if_it_is(std::string& value) { return looks_at('"') ? string(value) : skip(); }
  bool integer_if_it_is(std::int64_t& value);

 private:
  bool string(std::string& value);
  bool skip_string();
  bool take(char c);

  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace turnkeeper::kube
