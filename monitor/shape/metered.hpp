// Metered:
//   GET /api/v1/turn/credentials?apiKey=K[&region=R]
//   [{"urls":"stun:..."},{"urls":"turn:...","username":"...","credential":"..."}, ...]
//   400 {"error":"Please specify API Key"}   401 {"error":"Invalid API Key"}
//   POST /api/v1/turn/credential?secretKey=S   {"expiryInSeconds":3600,"label":"x"}
//   {"username","password","expiryInSeconds","label","apiKey"}   401 {"message":"Invalid secret key"}
//   POST /api/v2/turn/project/{project}/credential?secretKey=S or projectApiKey=S   the same
// The apiKey that a POST answers with is for browsers, as at Metered: it is the credential itself, and the GET takes it
// while the credential lives and the same signing key signs. `region` may be one of ours, and so may the project be one
// of our clusters.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape metered_shape();
[[nodiscard]] Shape metered_create_shape();

// The apiKey that stands for a credential; and back: nothing when it stands for none.
[[nodiscard]] std::string api_key_of(const OneCredential& credential);
[[nodiscard]] std::optional<IssuedCredential> issued_credential(std::string_view api_key);

}  // namespace turnkeeper::monitor
