{
  'variables': {
    'rdkafka_deps': '<!(node scripts/librdkafka-path.mjs)',
    'rdkafka_rpath': '<!(node scripts/librdkafka-path.mjs rpath)',
  },
  'targets': [
    {
      'target_name': 'millrace',
      'sources': ['<!@(node -p "require(\'fs\').readdirSync(\'src/native\').filter(f => f.endsWith(\'.cc\')).map(f => \'src/native/\' + f).join(\' \')")'],
      'include_dirs': [
        '<!(node -p "require(\'node-addon-api\').include_dir")',
        '<(rdkafka_deps)/include',
      ],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
      'cflags_cc': ['-std=c++17', '-O3', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Wno-ignored-qualifiers', '-fno-exceptions', '-fvisibility=hidden'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=gnu++14'],
      'libraries': ['<(rdkafka_deps)/librdkafka.so.1'],
      'ldflags': ["-Wl,-rpath,'<(rdkafka_rpath)'"],
    },
  ],
}
