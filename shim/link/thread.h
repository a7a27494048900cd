/// What the link thread is to the host.
#pragma once

namespace stembridge::link {

/// Gives the calling thread a name, and leaves the host's signals to the host's own threads.
void beQuiet();

}  // namespace stembridge::link
