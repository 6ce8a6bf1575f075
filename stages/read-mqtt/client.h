// Client: subscribes at a broker and puts what comes into a mailbox, on threads of its own, through lost connections.
//
// The library asks its store to keep a message before it acknowledges it; that store is the mailbox. The broker keeps
// the session, and what came meanwhile, under the client's id. A client lives as long as its process.
#pragma once

#include <MQTTClient.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stages/kit/option.h"
#include "stages/kit/patience.h"
#include "stages/kit/tls_options.h"
#include "stages/read-mqtt/mailbox.h"

namespace stream::mqtt {

struct Subscription {
  std::string server;  // as the user names it
  std::string broker;  // tcp://HOST:PORT or ssl://HOST:PORT, as the library wants it
  std::string client_id;
  std::vector<std::string> topics;
  int qos = 2;
  bool keep_session = true;
  std::string user;
  std::string password;
  TlsFiles tls;
  Microseconds patience = 0;
};

class Client {
 public:
  Client(Subscription subscription, Mailbox& mailbox, const Clock& clock);

  Status error();  // what has lasted longer than the patience, or cannot become right

 private:
  static int put(void* handle, char* key, int count, char* buffers[], int sizes[]);
  static int keys(void* handle, char*** keys, int* count);
  static int get(void* handle, char* key, char** buffer, int* size);
  void run();
  Status connect();
  Status not_connected(int done) const;
  Status subscribe();
  bool may_go_on(const Status& status);

  const Subscription subscription_;
  Mailbox& mailbox_;
  const Clock& clock_;
  MQTTClient_persistence store_{};
  MQTTClient client_ = nullptr;
  Patience patience_;      // the thread's
  std::string tls_words_;  // of the last attempt to connect

  std::mutex mutex_;
  std::condition_variable changed_;
  bool lost_ = true;  // from here on guarded by mutex_
  Status error_;
};

}  // namespace stream::mqtt
