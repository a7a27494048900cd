/// The open epochs of a session: what was sent, received and promised in each.
///
/// An entry that breaks the protocol throws Refusal and changes nothing; one for an epoch that is
/// over changes nothing either, since messages cross.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/messages.h"

namespace stembridge::protocol {

/// What a CONFIGURE and its CONFIGURED agreed on. credit, phase: host frames.
struct Terms {
    std::int64_t channels = 0;
    std::int64_t sources = 0;
    std::int64_t credit = 0;
    std::int64_t phase = 0;
};

/// One epoch; all positions are absolute host frames, exclusive ends.
struct Epoch {
    std::int64_t number = 0;
    Terms terms;
    std::int64_t start = 0;
    std::int64_t inputEnd = 0;         ///< of all input sent
    std::int64_t received = 0;         ///< input that the server has acknowledged
    std::int64_t stemsEnd = 0;         ///< of all stems that came
    std::optional<std::int64_t> stop;  ///< where the input ends for good; none while it goes on
};

/// The epochs of one session; at most kEpochs are open.
class Epochs {
public:
    Epochs();

    /// Number of the last one, open or over.
    std::int64_t newest() const { return newest_; }
    /// Whose plan it has or had.
    std::int64_t request() const { return request_; }
    /// The newest epoch while it is open, drained or not; else null.
    const Epoch* current() const;

    /// All epochs are over, whatever they still had to give.
    void clear() { open_.clear(); }
    /// Open an epoch; what the earlier ones have from its origin on is the new one's.
    void open(const Reset& message, const Terms& terms);

    /// Each of these is false when the epoch is over.
    bool enter(const Audio& message);
    bool enter(const Drain& message);
    bool enter(const Stems& message);
    bool enter(const Credit& message);
    bool enter(const Drained& message);

private:
    /// The open epoch of that number; null when it is over. Throws for one that never was.
    Epoch* find(std::int64_t number);

    std::vector<Epoch> open_;  // the oldest first
    std::int64_t newest_ = 0;
    std::int64_t request_ = 0;
};

}  // namespace stembridge::protocol
