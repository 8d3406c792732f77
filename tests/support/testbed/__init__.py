"""The test bed: real clusters, relays, networks and monitoring, each as a part that a test starts and that leaves nothing.

`tests/support/testbed/run PART` runs a part in the foreground; it prints one line of JSON when it is ready and ends when its
standard input closes. From Python use testbed.client.Part, from C++ tests/support/testbed.hpp.
"""
