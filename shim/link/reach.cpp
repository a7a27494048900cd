#include "link/reach.h"

#include "link/connection.h"
#include "link/keys.h"
#include "link/plugin_file.h"

namespace stembridge::link {
namespace {

// A network jitters for longer: more round trips, further apart.
constexpr std::int64_t kLocalPings = 16;
constexpr std::int64_t kLocalGapUs = 1'000;
constexpr std::int64_t kRemotePings = 64;
constexpr std::int64_t kRemoteGapUs = 5'000;

RoundTrips tripsTo(const Connection& connection) {
    RoundTrips trips;
    const bool local = connection.audio.starts_with("ipc://");
    trips.wanted = local ? kLocalPings : kRemotePings;
    trips.gapUs = local ? kLocalGapUs : kRemoteGapUs;
    return trips;
}

}  // namespace

Outcome<Reached> Reach::open(std::int64_t nowUs) {
    const Outcome<PluginFile> allowed = readPluginFile(folders_.config);
    if (!allowed) {
        return allowed.problem();
    }
    const bool copied = !allowed->connection.empty();
    const Outcome<Connection> connection = copied ? readCopiedConnection(allowed->connection)
                                                  : readConnection(folders_.runtime);
    if (!connection) {
        if (!connection.problem().absent) {
            return connection.problem();
        }
        starter_.want(nowUs);
        return Problem{starter_.isStarting() ? "the sidecar is being started" : starter_.problem(),
                       true};
    }
    std::optional<KeyPair> keys;
    if (!connection->serverKey.empty()) {
        const Outcome<KeyPair> ours = readClientKeys(folders_.config);
        if (!ours) {
            return ours.problem();
        }
        keys = *ours;
    }
    if (!context_) {
        context_.emplace(1);
    }
    Outcome<std::unique_ptr<Sockets>> sockets = Sockets::open(*context_, *connection, keys);
    if (!sockets) {
        return sockets.problem();
    }
    return Reached{std::move(*sockets), tripsTo(*connection)};
}

}  // namespace stembridge::link
