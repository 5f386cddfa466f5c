#pragma once
/* JavaScript objects of strings -> librdkafka configurations. A value that librdkafka refuses becomes
 * an exception that names the property and never the value: it could be a password.
 */
#include <napi.h>

#include "conf-ptr.h"

namespace millrace {

/** Empty, with a JavaScript exception pending, when a property is refused. */
ConfPtr ReadConf(Napi::Object properties);
TopicConfPtr ReadTopicConf(Napi::Object properties);

}  // namespace millrace
