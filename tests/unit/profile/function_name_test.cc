#include "supervisor/profile/function_name.h"

#include <boost/test/unit_test.hpp>

using namespace stream::profile;

BOOST_AUTO_TEST_SUITE(function_names)

BOOST_AUTO_TEST_CASE(symbols_become_readable) {
  BOOST_TEST(readable_name("_ZN6stream7RunLoop3runEv") == "stream::RunLoop::run");
  BOOST_TEST(readable_name("poll") == "poll");
  BOOST_TEST(readable_name("poll@@GLIBC_2.2.5") == "poll");
  BOOST_TEST(readable_name("") == "");
}

BOOST_AUTO_TEST_CASE(what_a_function_takes_is_left_out) {
  BOOST_TEST(short_name("stream::(anonymous namespace)::Instance::serve(stream::RunLoop&)") ==
             "stream::(anonymous namespace)::Instance::serve");
  BOOST_TEST(short_name("f(int)::{lambda(int, char)#1}::operator()(int) const") == "f::{lambda#1}::operator()");
  BOOST_TEST(short_name("void std::sort<int*>(int*, int*)") == "std::sort<int*>");
  BOOST_TEST(short_name("a::read(int) [clone .isra.0]") == "a::read");
  BOOST_TEST(short_name("std::function<void (int)>::operator()(int) const") == "std::function<void (int)>::operator()");
  BOOST_TEST(short_name("bool operator< <char>(S<char>, S<char>)") == "operator< <char>");
  BOOST_TEST(short_name("a::operator->() const") == "a::operator->");
  BOOST_TEST(short_name("operator new(unsigned long)") == "operator new");
}

BOOST_AUTO_TEST_CASE(long_arguments_of_templates_are_cut) {
  BOOST_TEST(short_name("std::map<std::string, std::vector<std::string>>::find(std::string const&) const") ==
             "std::map<…>::find");
  BOOST_TEST(short_name("std::vector<int>::at(unsigned long)") == "std::vector<int>::at");
}

// They part frames and samples in folded stacks.
BOOST_AUTO_TEST_CASE(no_name_parts_frames) { BOOST_TEST(short_name("a;b\nc") == "a:b:c"); }

BOOST_AUTO_TEST_CASE(what_is_not_closed_has_an_end) {
  for (const char* odd : {"(", "a<", "a<b(", ")", ">", "operator", "operator(", "{lambda(", "(anonymous namespace)"})
    short_name(odd);
}

BOOST_AUTO_TEST_SUITE_END()
