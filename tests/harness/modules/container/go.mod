// What runs in the containers of the tests.
module commonwatt.dev/tests/container

go 1.26.0
