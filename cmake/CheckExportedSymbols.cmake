# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Fails unless LIBRARY exports exactly the C functions that the distribution's libdnnl does, and nothing of brdnn or
# libxsmm. DISTRIBUTION_SYMBOLS is the list in the distribution's source package; a checkout of oneDNN's own has
# none, and then every exported C symbol has to be one of oneDNN's by its name.

execute_process(COMMAND "${NM}" --dynamic --defined-only --format=posix "${LIBRARY}"
  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${output}")
list(TRANSFORM lines REPLACE " .*" "")
if(NOT lines)
  message(FATAL_ERROR "${LIBRARY} exports nothing.")
endif()

set(ours ${lines})
list(FILTER ours INCLUDE REGEX "brdnn|xsmm")
if(ours)
  message(FATAL_ERROR "${LIBRARY} exports what should stay inside: ${ours}")
endif()

# C++ names vary with the compiler, and the distribution counts them and the profiling hooks as accidental.
set(exported ${lines})
list(FILTER exported EXCLUDE REGEX "^_Z|^__itt")

if(EXISTS "${DISTRIBUTION_SYMBOLS}")
  file(STRINGS "${DISTRIBUTION_SYMBOLS}" expected REGEX "^ (\\(arch=amd64\\))?dnnl_[a-zA-Z0-9_]+@Base")
  list(TRANSFORM expected REPLACE "^ (\\(arch=amd64\\))?([a-zA-Z0-9_]+)@.*" "\\2")
  set(missing ${expected})
  list(REMOVE_ITEM missing ${exported})
  list(REMOVE_ITEM exported ${expected})
  if(missing)
    message(FATAL_ERROR "${LIBRARY} lacks: ${missing}")
  endif()
else()
  list(FILTER exported EXCLUDE REGEX "^dnnl_")
endif()
if(exported)
  message(FATAL_ERROR "${LIBRARY} exports more than oneDNN does: ${exported}")
endif()
