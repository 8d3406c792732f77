// Made once by PyJWT 2.6 with keys that were thrown away. Claims of all tokens: sub alice, aud turn,
// iss https://login.example.org, exp 4102444800 (the year 2100).
#pragma once

namespace turnkeeper::monitor {

inline constexpr const char* rsa_jwk =
    R"({"kty": "RSA", "kid": "rsa-1", "alg": "RS256", "use": "sig", "e": "AQAB", "n": "wC-cZRuzyX-7J6v9wom2)"
    R"(y2NGniR0u4s3RK7INeWxvssmZLq0Mo9a1ZPwcLLetgMmwNcq3DNsUsISdc3_9d0Mdej8D59DUygWov82obafB34OYb0r2h4aH7zn)"
    R"(ORNqvra5dpNQjSDvamdNTlru8ZDmKGOW6TnwUoWZBYZUnCWcPwEcApBivawuOZwCzxbGcQqxQqAtkS6aasSGQFFrI2tkk03lSM7I)"
    R"(-uwOZOZmsZ-_BXO1AHDJTa5VBY258UVmyMA4SamSlV-TRwquSzU9n6lU_sgGwchRCaHvKS5cCElaGsKkuc6i3VkNCSVgJT6xOazj)"
    R"(9dcANNMZlCPf_F-nLKHNbQ"})";
inline constexpr const char* ec_jwk =
    R"({"kty": "EC", "kid": "ec-1", "crv": "P-256", "x": "-BkrFRYuLfnYkH67mnLHfS2S72kDjwO82gx8g2co75E", "y")"
    R"(: "OL71MM6Zs0GOc7eyjpn4xCoQhbZHSmE1Z1EzI5LaIOY"})";
inline constexpr const char* rs256_token =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbGljZSIsImF1ZCI6InR1cm4iLCJpc3Mi"
    "OiJodHRwczovL2xvZ2luLmV4YW1wbGUub3JnIiwiZXhwIjo0MTAyNDQ0ODAwfQ.R2NU6zgBjWAj6O-6Chmu4cc8S-LSI4fTEdYC9"
    "mx_lL-thc0tBYVUwZu7FBFUsahobvITrklxDgRYsLOXxC9aw8I23DK6L2b62DXyFAuUdamEwpRkifiJDcdy8C37AFpTazhEcBr2x"
    "v2GHqOHKRAcfxOf2AMiRu9URd4bwBKYXHI2tGDwm3Sx3vzcU1ynu1fPNuYK4RwHhA6iRq2XE1HSVgCtaGhagurei4XR-sbXx9Feh"
    "SoR964YbmTqrVWD0HlEKAPhVtQzylw27SBTOJRZkvAtKNUdPsqQBLB0M4uuF8raGLTfBt2XA_vDs_2mKOumU7y1JH0fUx_X2KiYC"
    "-A78g";
inline constexpr const char* es256_token =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSIsImF1ZCI6InR1cm4iLCJpc3MiO"
    "iJodHRwczovL2xvZ2luLmV4YW1wbGUub3JnIiwiZXhwIjo0MTAyNDQ0ODAwfQ.yZW3qw83yCo7-79BhghoVPJXDxjr-nuYDboNt1"
    "Tbwn94R_YOXXbnz_8yZE1StWON4G3k6DB3ymylgTb0G5Oh4Q";
// HS256 with the RSA key, as PEM, for its secret.
inline constexpr const char* confused_token =
    "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhLTEifQ.eyJzdWIiOiAiYWxpY2UiLCAiYXVkIjogInR1c"
    "m4iLCAiaXNzIjogImh0dHBzOi8vbG9naW4uZXhhbXBsZS5vcmciLCAiZXhwIjogNDEwMjQ0NDgwMH0._ZwUF28M-It3WNru_qiXr"
    "ynrtscR2JTz-2sBsedfcfw";

}  // namespace turnkeeper::monitor
