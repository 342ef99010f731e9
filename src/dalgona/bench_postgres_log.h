// The peer of `bench growth`: a PostgreSQL log table with the index that it had.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/postgres/postgres.h"
#include "dalgona/bench_home.h"
#include "dalgona/private_postgres.h"

namespace dalgona {

// A private PostgreSQL in the bench's home, on loopback, ended with the object. Used by one thread.
class PostgresLog {
 public:
  explicit PostgresLog(BenchHome& home);
  ~PostgresLog();
  PostgresLog(const PostgresLog&) = delete;
  PostgresLog& operator=(const PostgresLog&) = delete;

  // COPY of what lies in the warehouse's table made.logs.
  void take_batch();
  // The index, VACUUM ANALYZE; gives the number of rows.
  uint64_t finish();
  // Ids, 20,000 at most.
  std::vector<std::string> some_profiles();
  // The days of one profile, last observation of each; gives their number.
  size_t ask(const std::string& profile_id, const std::string& first, const std::string& last);
  // Of the table with its index.
  uint64_t bytes();

 private:
  void run(std::function<Task<void>()> body);

  BenchHome& home_;
  PrivatePostgres server_;
  boost::asio::io_context context_;
  std::unique_ptr<postgres::Pool> pool_;
};

}  // namespace dalgona
