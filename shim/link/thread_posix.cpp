#include <pthread.h>
#include <signal.h>

#include "link/thread.h"

namespace stembridge::link {

void beQuiet() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
#ifdef __APPLE__
    pthread_setname_np("stembridge link");
#else
    pthread_setname_np(pthread_self(), "stembridge link");
#endif
}

}  // namespace stembridge::link
