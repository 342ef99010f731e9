// Is somebody answering on a loopback port, in its own protocol? Small and blocking: the supervisor asks before any
// client of the stores can be made, and every few seconds afterwards.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace dalgona::probe {

// GET path gives 200, over plain HTTP or, where that is not spoken, over TLS.
bool http(uint16_t port, const std::string& path, std::chrono::milliseconds limit);
// The server answers an SSLRequest, so its postmaster forks sessions. Says nothing about recovery; see the pid file.
bool postgres(uint16_t port, std::chrono::milliseconds limit);
// The broker greets with Connection.Start.
bool amqp(uint16_t port, std::chrono::milliseconds limit);

// Asks `answers` until it is true (then true), `alive` is false or the time is over (then false).
bool wait_until(const std::function<bool()>& answers, const std::function<bool()>& alive,
                std::chrono::milliseconds limit);

}  // namespace dalgona::probe
