/// Random traces of sends and receives: this session says of each step what the Python one says.
/// tests/shim/session_traces.py makes them, and more of them for STEMBRIDGE_TRACES.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <variant>

#include "protocol/codec.h"
#include "protocol/session.h"
#include "protocol/states.h"
#include "vectors.h"

namespace stembridge::protocol {
namespace {

/// The first message of each type in accepted.json: its header, by its type.
Json examples() {
    Json found = Json::object();
    for (const Json& entry : readJson(STEMBRIDGE_VECTORS "/accepted.json")) {
        const std::string type = entry["header"]["t"];
        if (!found.contains(type)) found[type] = entry["header"];
    }
    return found;
}

/// The frames of a step: its fields over those of the example, and zeros for samples.
Frames framesOfStep(const Json& fields) {
    static const Json kExamples = examples();
    Json header = kExamples.at(fields.at("t").get<std::string>());
    header.update(fields);
    Frames frames{{packed(header)}};
    if (header.contains("shape")) {
        std::size_t bytes = sizeof(float);
        for (const std::size_t axis : header["shape"]) bytes *= axis;
        frames.bytes.emplace_back(bytes);
    } else if (header["t"] == "REPORT") {
        frames.bytes.push_back(packed(Json::object()));
    }
    return frames;
}

std::string enter(ClientSession& session, const std::string& act, Socket socket,
                  const Message& message, std::int64_t nowUs) {
    if (act == "send") {
        try {
            session.send(socket, message, nowUs);
        } catch (const LocalProtocolError&) {
            return "wrong";
        }
        return "taken";
    }
    const Receipt receipt = session.receive(socket, message, nowUs);
    if (receipt.refusal) return std::string(nameOf(receipt.refusal->code));
    return receipt.fresh ? "taken" : "ignored";
}

Json seen(const ClientSession& session, std::int64_t nowUs) {
    Json pings = Json::array();
    if (session.pingDue(Socket::kAudio, nowUs)) pings.push_back("audio");
    if (session.pingDue(Socket::kControl, nowUs)) pings.push_back("control");
    return {
        {"state", nameOf(session.state())},
        {"token", session.token()},
        {"request", session.request()},
        {"pending", session.pending()},
        {"epoch", session.epoch()},
        {"credit_left", session.creditLeft()},
        {"pings", pings},
        {"gone", session.isGone(nowUs)},
    };
}

TEST_CASE("the session says of random traces what the Python one says") {
    std::size_t steps = 0;
    const Json traces = readJson(STEMBRIDGE_TRACES, "STEMBRIDGE_TRACES");
    for (const Json& trace : traces) {
        ClientSession session;
        Json expected = seen(session, 0);
        for (const Json& step : trace) {
            CAPTURE(step.dump());
            const std::string act = step[0];
            const std::int64_t nowUs = step[2];
            if (act == "disconnect") {
                session.disconnect();
            } else {
                const Socket socket = step[1] == "control" ? Socket::kControl : Socket::kAudio;
                const Frames frames = framesOfStep(step[3]);
                const Decoded decoded = frames.decoded();
                REQUIRE(std::holds_alternative<Message>(decoded));
                REQUIRE(enter(session, act, socket, std::get<Message>(decoded), nowUs) == step[4]);
            }
            expected.update(step[5]);
            REQUIRE(seen(session, nowUs) == expected);
            ++steps;
        }
    }
    MESSAGE(traces.size(), " traces, ", steps, " steps");
    CHECK(steps >= 3600);
}

}  // namespace
}  // namespace stembridge::protocol
