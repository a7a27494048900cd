/// Hostile frames: this codec says of each what the Python one says.
/// tests/shim/decode_verdicts.py makes them, and more of them for STEMBRIDGE_VERDICTS.
#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "protocol/codec.h"
#include "vectors.h"

namespace stembridge::protocol {
namespace {

TEST_CASE("the codec says of hostile frames what the Python one says") {
    const Json entries = readJson(STEMBRIDGE_VERDICTS, "STEMBRIDGE_VERDICTS");
    for (const Json& entry : entries) {
        CAPTURE(entry.dump());
        const Frames frames = framesOf(entry["frames"]);
        const Decoded decoded = frames.decoded();
        const auto* refusal = std::get_if<Refusal>(&decoded);
        REQUIRE((refusal != nullptr) == entry.contains("code"));
        if (refusal != nullptr) {
            REQUIRE(nameOf(refusal->code) == entry["code"].get<std::string>());
        } else {
            REQUIRE(framesOf(encode(std::get<Message>(decoded))) == framesOf(entry["again"]));
        }
    }
    MESSAGE(entries.size(), " lists of frames");
    CHECK(entries.size() >= 1500);
}

}  // namespace
}  // namespace stembridge::protocol
