// The way to a warehouse that a test can bend: an HTTP server in front of it that hands requests on as told.
#pragma once
#include <functional>
#include <string>
#include <thread>

#include "base/async.h"
#include "base/http/client.h"
#include "base/http/server.h"

namespace dalgona::test {

class WarehouseWay {
 public:
  // What becomes of a POST; runs on the way's own thread. What it throws is the answer. It must outlive the way.
  using Handler = std::function<Task<http::Response>(http::Request&)>;
  WarehouseWay(std::string warehouse, Handler handler);
  ~WarehouseWay();
  WarehouseWay(const WarehouseWay&) = delete;
  WarehouseWay& operator=(const WarehouseWay&) = delete;

  std::string url() const;
  // The warehouse's answer to the request as it is now.
  Task<http::Response> hand_on(const http::Request& request);
  // As the warehouse says it.
  static http::Response refusal(int status, int code, std::string text);

 private:
  http::Router router(Handler handler);

  std::string warehouse_;
  http::Client client_;
  Runtime runtime_{1};
  http::Server server_;
  std::thread thread_;
};

}  // namespace dalgona::test
