# install.cmake - what `cmake --install` puts where, below a prefix that may be chosen then
#
# Three components: program (the command, its man pages and completions), library (what
# programs are built with), doc. `make install` takes all; of the builds for two MPIs that
# share a prefix, the second one's library alone is installed, under a name of its own
# (ROTA_SUFFIX).
include(GNUInstallDirs)
set(ROTA_BASH_DIR ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    CACHE STRING "Where bash finds completions")
set(ROTA_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
    CACHE STRING "Where zsh finds completions")

# --- man pages: from docs/man/NAME.SECTION.scd, where scdoc is installed ---------------
find_program(SCDOC scdoc)
file(GLOB man_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.scd)
set(man_dir ${PROJECT_BINARY_DIR}/man)
set(man_pages)
foreach(source ${man_sources})
  get_filename_component(page ${source} NAME_WLE)
  set(built ${man_dir}/${page})
  add_custom_command(OUTPUT ${built}
    COMMAND ${PROJECT_SOURCE_DIR}/cmake/man-page ${SCDOC} ${source} ${built}
            ${PROJECT_VERSION}
    DEPENDS ${source} ${PROJECT_SOURCE_DIR}/cmake/man-page VERBATIM
    COMMENT "Making the man page ${page}")
  list(APPEND man_pages ${built})
endforeach()
if(SCDOC)
  add_custom_target(man ALL DEPENDS ${man_pages})
  # With the links by which `man rota_submit` finds the page that has it.
  foreach(section 1 3 5)
    install(DIRECTORY ${man_dir}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
      COMPONENT program FILES_MATCHING PATTERN "*.${section}")
  endforeach()
else()
  message(WARNING "scdoc is not installed: there will be no man pages")
  add_custom_target(man)
endif()

# --- the program -----------------------------------------------------------------------
install(TARGETS rota DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
# `rota guard` looks for its preload libraries there, from where it is itself.
foreach(mpi openmpi mpich)
  if(TARGET rota_guard_${mpi})
    add_dependencies(rota rota_guard_${mpi})
    install(TARGETS rota_guard_${mpi} LIBRARY DESTINATION lib/rota COMPONENT program)
  endif()
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/completions/rota.bash RENAME rota
  DESTINATION ${ROTA_BASH_DIR} COMPONENT program)
install(FILES ${PROJECT_SOURCE_DIR}/completions/_rota
  DESTINATION ${ROTA_ZSH_DIR} COMPONENT program)

# --- the library -------------------------------------------------------------------------
install(TARGETS librota_static DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(FILES ${PROJECT_SOURCE_DIR}/include/rota.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)

# rota.h needs no MPI, the library does: its flags are those of the MPI that it was built
# with, since no other will do.
set(ROTA_MPI_FLAGS ${MPI_C_LINK_FLAGS})
foreach(library ${MPI_C_LIBRARIES})
  get_filename_component(folder ${library} DIRECTORY)
  get_filename_component(name ${library} NAME_WE)
  string(REGEX REPLACE "^lib" "-l" name ${name})
  string(APPEND ROTA_MPI_FLAGS " -L${folder} ${name}")
endforeach()
string(STRIP "${ROTA_MPI_FLAGS}" ROTA_MPI_FLAGS)
# The prefix is known when it is installed, and not before: in two steps.
set(ROTA_PREFIX @CMAKE_INSTALL_PREFIX@)
set(pc rota${ROTA_SUFFIX}.pc)
configure_file(${PROJECT_SOURCE_DIR}/cmake/rota.pc.in ${PROJECT_BINARY_DIR}/${pc}.in @ONLY)
install(CODE "configure_file(\"${PROJECT_BINARY_DIR}/${pc}.in\"
  \"${PROJECT_BINARY_DIR}/${pc}\" @ONLY)" COMPONENT library)
install(FILES ${PROJECT_BINARY_DIR}/${pc}
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)

# --- to read -------------------------------------------------------------------------------
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGES.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT doc)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT doc FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE)
# proof_of_hang.c is built of Rota's own parts
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT doc FILES_MATCHING PATTERN "*.[ch]" PATTERN Makefile
  PATTERN proof_of_hang.c EXCLUDE)
