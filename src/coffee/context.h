// What every module's handlers need; lives as long as the server.
#pragma once
#include "coffee/post_categories.h"
#include "coffee/stores.h"

namespace dalgona::coffee {

struct Context {
  Stores& stores;
  // The same with a plan of its own for each query: for searches, whose best plan depends on the words.
  Stores& search;
  const PostCategories& categories;
};

}  // namespace dalgona::coffee
