// What the kernel expects of a container's first process: to reap the orphans and to act on signals that nobody
// handles.
#pragma once

namespace turnkeeper::agent {

// As PID 1 it stays behind in the parent: the program goes on in a child, signals are passed on to it, every orphan is
// reaped, and when the child ends this process ends with its status. As any other process it does nothing. Call it
// before there are threads.
void become_init_if_first();

}  // namespace turnkeeper::agent
