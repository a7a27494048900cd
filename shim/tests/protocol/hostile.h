/// An endless stream of messages that nobody should send, the same ones for the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "vectors.h"

namespace stembridge::protocol {

/// About a third are well-formed: any side's message, unbidden, with numbers that nearly fit.
class Hostile {
public:
    explicit Hostile(std::uint64_t seed);

    Frames next();

private:
    using Attack = Frames (Hostile::*)();

    Frames garbage();
    Frames flipped();
    Frames cut();
    Frames glued();
    Frames reframed();
    Frames mistyped();
    Frames lacking();
    Frames laden();
    Frames claiming();
    Frames nested();
    Frames misshapen();
    Frames unbidden();

    std::size_t below(std::size_t limit) { return random_() % limit; }
    template <typename T>
    const T& any(const std::vector<T>& pool) {
        return pool[below(pool.size())];
    }
    /// A header of the vectors, and the payload that came with it.
    const Json& anyExample() { return any(examples_); }
    static Frames withHeader(const Json& example, const Json& header);

    std::mt19937_64 random_;
    std::vector<Json> examples_;
    std::vector<Frames> real_;
};

}  // namespace stembridge::protocol
