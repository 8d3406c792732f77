// Where one `turnctl up` keeps what must outlive it, and where other commands find it.
//
//   $XDG_STATE_HOME/turnkeeper/NAME (or ~/.local/state/turnkeeper/NAME), mode 0700:
//     lock  keys.json  rotation.json  control.sock  RELAY/{turnserver.conf,turndb,turnserver.log}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::cli {

class StateDirectory {
 public:
  // Makes it if needed and holds it until destruction; the kernel lets go of it when the process dies. An error when
  // another process holds it.
  [[nodiscard]] static Result<StateDirectory> open(const std::string& path);
  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&&) = delete;
  ~StateDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string control_address() const { return "unix:" + path_ + "/control.sock"; }
  // A relay's own directory, made.
  [[nodiscard]] Result<std::string> relay_directory(const std::string& relay) const;

 private:
  StateDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

// The directory that holds the state directories of all clusters; empty when neither XDG_STATE_HOME nor HOME is set.
[[nodiscard]] std::string state_home();

// Writes a file that only this user can read, so that it is there whole or not at all.
[[nodiscard]] Result<void> write_private_file(const std::string& path, const std::string& text);

}  // namespace turnkeeper::cli
