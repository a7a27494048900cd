/// The fields of every message, in their order on the wire: the tables of docs/PROTOCOL.md.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "protocol/fields.h"
#include "protocol/kinds.h"
#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/payloads.h"

namespace stembridge::protocol {

template <>
struct Schema<SavedPlan> {
    using M = SavedPlan;
    static constexpr std::tuple fields{
        Field{"hop", &M::hop, kSomeModelFramesKind},
        Field{"lookahead", &M::lookahead, kModelFramesKind},
        Field{"window", &M::window, kSomeModelFramesKind},
        Field{"fade", &M::fade, kModelFramesKind},
        Field{"model_rate", &M::modelRate, kRateKind},
        Field{"compute_us", &M::computeUs, kDurationKind},
        Field{"transport_us", &M::transportUs, kDurationKind},
        Field{"margin_us", &M::marginUs, kDurationKind},
        Field{"polling_us", &M::pollingUs, kDurationKind},
        Field{"guard", &M::guard, kHostFramesKind},
        Field{"burst", &M::burst, kHostFramesKind},
        Field{"block", &M::block, kBlockKind},
        Field{"effects", &M::effects, kHostFramesKind, true},
    };
};

/// A SavedPlan, as a map inside a message.
struct Plan {
    void check(const SavedPlan& value) const { checkFields(value); }
    void check(const std::optional<SavedPlan>& value) const {
        if (value) checkFields(*value);
    }
    void read(const PackedValue& wire, SavedPlan& to) const {
        if (wire.type != PackedValue::Type::kMap) {
            throw Refusal{Code::kMalformed, words(wire.shown(), ", expected a map")};
        }
        readFields(Wire{wire, {}}, to);
    }
    void read(const PackedValue& wire, std::optional<SavedPlan>& to) const {
        read(wire, to.emplace());
    }
    void write(PackedWriter& writer, const SavedPlan& value) const {
        writer.map(countFields(value));
        writeFields(writer, value);
    }
    void write(PackedWriter& writer, const std::optional<SavedPlan>& value) const {
        write(writer, *value);
    }
};

template <>
struct Schema<Hello> {
    using M = Hello;
    static constexpr std::string_view name = "HELLO";
    static constexpr std::tuple fields{
        Field{"version", &M::version, kProtocolVersionKind},
        Field{"client", &M::client, kStringKind},
    };
};

template <>
struct Schema<Welcome> {
    using M = Welcome;
    static constexpr std::string_view name = "WELCOME";
    static constexpr std::tuple fields{
        Field{"version", &M::version, kProtocolVersionKind},
        Field{"server", &M::server, kStringKind},
        Field{"session", &M::session, kTokenKind},
        Field{"heartbeat_us", &M::heartbeatUs, Int{1000, kDurationUs}},
        Field{"max_frames", &M::maxFrames, Int{1, kFrames}},
        Field{"capabilities", &M::capabilities, kCapabilitiesKind},
        Field{"presets", &M::presets, kPresetsKind, true},
    };
};

template <>
struct Schema<Configure> {
    using M = Configure;
    static constexpr std::string_view name = "CONFIGURE";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},
        Field{"request", &M::request, kNumberKind},
        Field{"rate", &M::rate, kRateKind},
        Field{"block", &M::block, kBlockKind},
        Field{"channels", &M::channels, kChannelsKind},
        Field{"model", &M::model, kLineKind},
        Field{"precision", &M::precision, kPrecisionKind},
        Field{"latency_us", &M::latencyUs, kDurationKind},
        Field{"burst", &M::burst, Int{-1, kSpanFrames}},
        Field{"context", &M::context, kModelFramesKind},
        Field{"lookahead", &M::lookahead, Int{-1, kSpanFrames}},
        Field{"transport_us", &M::transportUs, kDurationKind},
        Field{"residual", &M::residual, kBoolKind},
        Field{"realtime", &M::realtime, kBoolKind},
        Field{"saved", &M::saved, Plan{}, true},
        Field{"preset", &M::preset, kLineKind, true},
    };
};

template <>
struct Schema<Progress> {
    using M = Progress;
    static constexpr std::string_view name = "PROGRESS";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},    Field{"request", &M::request, kNumberKind},
        Field{"what", &M::what, kStringKind},         Field{"done", &M::done, kNumberOrNoneKind},
        Field{"total", &M::total, kNumberOrNoneKind},
    };
};

template <>
struct Schema<Configured> {
    using M = Configured;
    static constexpr std::string_view name = "CONFIGURED";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},
        Field{"request", &M::request, kNumberKind},
        Field{"latency", &M::latency, kHostFramesKind},
        Field{"plan", &M::plan, Plan{}},
        Field{"sources", &M::sources, kSourcesKind},
        Field{"credit", &M::credit, Int{1, kSpanFrames}},
        Field{"model", &M::model, kLineKind},
        Field{"preview", &M::preview, kBoolKind},
        Field{"licence", &M::licence, kStringKind},
        Field{"warnings", &M::warnings, kWarningsKind},
        Field{"gains", &M::gains, kGainsKind, true},
        Field{"phase", &M::phase, kHostFramesKind, true},
    };
};

template <>
struct Schema<Status> {
    static constexpr std::string_view name = "STATUS";
    static constexpr std::tuple<> fields{};
};

template <>
struct Schema<Report> {
    using M = Report;
    static constexpr std::string_view name = "REPORT";
    static constexpr std::tuple fields{Payload{"report", &M::report, kMapKind}};
};

template <>
struct Schema<Shutdown> {
    static constexpr std::string_view name = "SHUTDOWN";
    static constexpr std::tuple<> fields{};
};

template <>
struct Schema<Bye> {
    using M = Bye;
    static constexpr std::string_view name = "BYE";
    static constexpr std::tuple fields{Field{"session", &M::session, kTokenOrNoneKind}};
};

template <>
struct Schema<Attach> {
    using M = Attach;
    static constexpr std::string_view name = "ATTACH";
    static constexpr std::tuple fields{Field{"session", &M::session, kTokenKind}};
};

template <>
struct Schema<Attached> {
    using M = Attached;
    static constexpr std::string_view name = "ATTACHED";
    static constexpr std::tuple fields{Field{"session", &M::session, kTokenKind}};
};

template <>
struct Schema<Reset> {
    using M = Reset;
    static constexpr std::string_view name = "RESET";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},  Field{"epoch", &M::epoch, kNumberKind},
        Field{"origin", &M::origin, kFrameKind},    Field{"start", &M::start, kFrameKind},
        Field{"request", &M::request, kNumberKind}, Field{"phase", &M::phase, kHostFramesKind, true},
    };
};

template <>
struct Schema<Audio> {
    using M = Audio;
    static constexpr std::string_view name = "AUDIO";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},    Field{"epoch", &M::epoch, kNumberKind},
        Field{"start", &M::start, kFrameKind},        Field{"got", &M::got, kFrameKind},
        Payload{"audio", &M::audio, kInputBlockKind},
    };
};

template <>
struct Schema<Stems> {
    using M = Stems;
    static constexpr std::string_view name = "STEMS";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},   Field{"epoch", &M::epoch, kNumberKind},
        Field{"start", &M::start, kFrameKind},       Field{"received", &M::received, kFrameKind},
        Payload{"audio", &M::audio, kStemBlockKind},
    };
};

template <>
struct Schema<Credit> {
    using M = Credit;
    static constexpr std::string_view name = "CREDIT";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},
        Field{"epoch", &M::epoch, kNumberKind},
        Field{"received", &M::received, kFrameKind},
    };
};

template <>
struct Schema<Drain> {
    using M = Drain;
    static constexpr std::string_view name = "DRAIN";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},
        Field{"epoch", &M::epoch, kNumberKind},
        Field{"stop", &M::stop, kFrameKind},
    };
};

template <>
struct Schema<Drained> {
    using M = Drained;
    static constexpr std::string_view name = "DRAINED";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},
        Field{"epoch", &M::epoch, kNumberKind},
        Field{"stop", &M::stop, kFrameKind},
    };
};

template <>
struct Schema<Ping> {
    using M = Ping;
    static constexpr std::string_view name = "PING";
    static constexpr std::tuple fields{
        Field{"stamp", &M::stamp, kTokenOrNoneKind},
        Field{"late", &M::late, kNumberOrNoneKind, true},
    };
};

template <>
struct Schema<Pong> {
    using M = Pong;
    static constexpr std::string_view name = "PONG";
    static constexpr std::tuple fields{
        Field{"stamp", &M::stamp, kTokenOrNoneKind},
        Field{"load", &M::load, kNumberOrNoneKind, true},
    };
};

template <>
struct Schema<Error> {
    using M = Error;
    static constexpr std::string_view name = "ERROR";
    static constexpr std::tuple fields{
        Field{"code", &M::code, Text{kSourceBytes}},
        Field{"text", &M::text, kLineKind},
        Field{"hint", &M::hint, kLineKind},
        Field{"session", &M::session, kTokenOrNoneKind, true},
        Field{"request", &M::request, kNumberOrNoneKind, true},
    };
};

template <>
struct Schema<Lost> {
    using M = Lost;
    static constexpr std::string_view name = "LOST";
    static constexpr std::tuple fields{
        Field{"session", &M::session, kTokenKind},
        Field{"epoch", &M::epoch, kNumberKind},
    };
};

}  // namespace stembridge::protocol
